#!/usr/bin/env bash
# Runs `tgfleet demo --check` again and again: one line a run, the whole output
# of a run that failed.  Exit 1 if one did.
#
#   tools/repeat-demo.sh [N] [PROGRAM]      20 runs of build/release/tgfleet
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
runs=${1:-20}
program=${2:-build/release/tgfleet}
failed=0
for ((i = 1; i <= runs; i++)); do
    begin=$SECONDS
    folder=$(mktemp -d)
    out=$(TMPDIR=$folder "$program" demo --check 2>&1 </dev/null)
    status=$?
    left=$(ls -A "$folder")
    # what it leaves behind is a failure as well
    [ $status -eq 0 ] && [ -n "$left" ] && { status=99; out+=$'\n'"left behind: $left"; }
    echo "run $i: status $status, $((SECONDS - begin)) s"
    if [ $status -ne 0 ]; then
        failed=$((failed + 1))
        printf '%s\n' "$out"
        tail -n 20 "$folder"/*/*.log 2>/dev/null
    fi
    rm -rf "$folder"
done
echo "$((runs - failed)) passed, $failed failed"
[ $failed -eq 0 ]
