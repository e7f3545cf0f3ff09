#!/usr/bin/env bash
# Runs every fuzz target for a while, beginning with its seeds.
#
#   tools/fuzz.sh SECS [TARGET...]
#
# Seeds are made from the test vectors by tools/fuzz-seeds.py; test/fuzz/corpus/TARGET
# holds what longer runs found beyond them, test/fuzz/TARGET.options more options of
# libFuzzer.  What a run finds new is kept in
# build/corpus/TARGET, inputs that crash in build/crash/TARGET-*.  FUZZ_SEED makes a
# run repeatable: the gate's smoke run must not depend on luck, `make fuzz` shall.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
secs=${1:-10}
shift
bin=${FUZZ_BUILD:-build/asan}/test/fuzz
[ $# -gt 0 ] || set -- $(find "$bin" -maxdepth 1 -type f -perm -u+x -name 'fuzz_*' -printf '%f\n' | sed 's/^fuzz_//' | sort)
[ $# -gt 0 ] || { echo "FAIL fuzz: no targets in $bin; make V=asan build"; exit 1; }
tools/fuzz-seeds.py build/corpus || exit 1
mkdir -p build/crash build/gate

one() {
    local t=$1 dict=test/fuzz/$1.dict log=build/gate/fuzz-$1.log
    local kept=test/fuzz/corpus/$t options=test/fuzz/$t.options
    mkdir -p "build/corpus/$t"
    [ -d "$kept" ] || kept=
    if "$bin/fuzz_$t" -max_total_time="$secs" -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -verbosity=1 ${FUZZ_SEED:+-seed=$FUZZ_SEED} $([ -f "$dict" ] && echo "-dict=$dict") \
        $([ -f "$options" ] && cat "$options") \
        -artifact_prefix="build/crash/$t-" "build/corpus/$t" $kept >"$log" 2>&1 </dev/null &&
        grep -q 'number_of_executed_units: [1-9]' "$log"; then
        echo "ok   fuzz: $t ($(sed -n 's/.*number_of_executed_units: //p' "$log") runs)"
    else
        echo "FAIL fuzz: $t"
        tail -n 60 "$log" | sed 's/^/    /'
        return 1
    fi
}
export -f one
export bin secs
# not `find | tail`: a pipe would hide the status
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'one {}'
