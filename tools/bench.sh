#!/usr/bin/env bash
# Runs the benchmarks: programs of build/release/test/bench and scripts of
# test/bench, each alone, each printing its own numbers.  Exit 1 if one failed
# (some have a budget, like the bytes of an idle account).
#
#   tools/bench.sh [NAME...]     TABLE=docs/bench.md: written there, too
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
export TGFLEET_BIN=$PWD/build/release/tgfleet
bad=0 n=0 options=(${TABLE:+--table "$TABLE"})
while read -r b; do
    name=$(basename "$b")
    name=${name%.*}
    [ $# -eq 0 ] || [[ " $* " == *" ${name#bench_} "* ]] || continue
    n=$((n + 1))
    echo "== ${name#bench_}"
    case $b in
    *.py) /usr/bin/python3 "$b" "${options[@]}" ;;
    *.sh) bash "$b" "${options[@]}" ;;
    *) "$b" ;;
    esac </dev/null || { echo "FAILED: $name"; bad=1; }
done < <(
    find build/release/test/bench -maxdepth 1 -type f -perm -u+x -name 'bench_*' 2>/dev/null
    find test/bench -maxdepth 1 -name 'bench_*.py' -o -maxdepth 1 -name 'bench_*.sh'
)
[ $n -gt 0 ] || { echo "no benchmark of that name"; exit 1; }
exit $bad
