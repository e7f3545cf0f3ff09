#!/usr/bin/env bash
# Runs named steps of the gate and counts what passed and failed.
#
#   tools/gate.sh STEP...        the last line is "N passed, N failed"
#   tools/gate.sh --list
#
# `make check`, `make test` and .ci/run are lists of these steps (below).  What a
# step prints is kept in build/gate/STEP.log and shown when it fails.  Nothing is
# installed here (tools/setup.sh --test does that) and nothing reads stdin.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
exec </dev/null
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

STATIC="syntax format layers names size docs gates schema"
CHECK="$STATIC build-debug build-asan build-tsan tidy unit-debug unit-asan unit-tsan model fuzz"
TEST="build-release build-debug build-asan build-tsan unit-debug unit-asan unit-tsan model fuzz integ integpg demo"
CI="$STATIC build-release build-debug build-asan build-tsan tidy unit-debug unit-asan unit-tsan model fuzz integ integpg demo"

logs=build/gate
passed=0 failed=0
jobs=$(nproc)

# --- steps: exit status is the answer; lines "count: P F" replace "one passed" ---

step_syntax() {
    local bad=0 f
    while read -r f; do
        bash -n "$f" || bad=1
    done < <(git ls-files '*.sh' .ci/run)
    git ls-files -z '*.py' | xargs -0 python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name).read(), name)' || bad=1
    return $bad
}
# clang-format and clang-tidy 14 (Debian 12) decide; other versions see other things.
pinned() {
    "$1" --version | grep -qE 'version 14\.' && return
    echo "$1 is not version 14: what it says does not count"
    return 1
}
step_format() {
    pinned clang-format || return 0
    git ls-files -z -- '*.[ch]' | xargs -0 -n 40 -P "$jobs" clang-format --dry-run -Werror
}
step_layers() { tools/check-layers.py; }
step_names() { tools/check-names.py; }
step_size() { tools/check-size.py; }
step_docs() { tools/check-docs.py; }
step_gates() {
    tools/test-gates.sh
    local rc=$?
    tally '^ok   gate:' '^FAIL gate:'
    return $rc
}
step_schema() { tools/check-schema.sh; }

step_build() { make --no-print-directory V="$1" STRICT="${STRICT:-true}" build; }
# One file a process: clang-tidy 14 sees errors of its own when handed many.
step_tidy() {
    git ls-files 'src/*.c' | xargs -P "$jobs" -n 1 \
        clang-tidy -p build/asan --quiet 2>&1 |
        grep -vE '^[0-9]+ warnings? generated'
    local rc=${PIPESTATUS[1]}
    pinned clang-tidy || return 0
    return "$rc"
}
step_unit() {
    local wrap=() rc
    # The thread sanitizer of clang 14 cannot live with much address randomness.
    [ "$1" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null &&
        wrap=(setarch "$(uname -m)" -R)
    "${wrap[@]}" meson test -C "build/$1" --no-rebuild --quiet \
        --print-errorlogs --timeout-multiplier 3
    rc=$?
    tools/count.py "build/$1/meson-logs/testlog.json"
    return $rc
}
step_model() {
    test/model/run.py
    local rc=$?
    tally '^ok   model:' '^FAIL model:'
    return $rc
}
step_fuzz() {
    FUZZ_SEED=1 tools/fuzz.sh "${FUZZ_SECS:-5}"
    local rc=$?
    tally '^ok   fuzz:' '^FAIL fuzz:'
    return $rc
}
# Telethon and pytest are the distribution's, so is their Python.
integ() {
    local xml=$1 rc
    shift
    rm -f "$xml"
    TGFLEET_BIN=$PWD/build/release/tgfleet /usr/bin/python3 -m pytest \
        -q -p no:cacheprovider --junitxml="$xml" "$@"
    rc=$?
    tools/count.py "$xml"
    return $rc
}
step_integ() { integ build/integ.xml test/integ; }
# The same fleet on the other database: what it keeps, and kills in between.
step_integpg() {
    integ build/integpg.xml --database postgresql test/integ/test_{api,path,kill,leases,vault_key}.py
}
step_demo() {
    build/release/tgfleet demo --check
    local rc=$?
    tally '^ok ' '^FAIL'
    return $rc
}

# --- running and counting ---

# Of the log so far: lines that say passed, lines that say failed.
tally() {
    printf 'count: %s %s\n' "$(grep -cE "$1" "$log")" "$(grep -cE "$2" "$log")"
}

run() {
    local name=$1 log=$logs/$1.log start=$SECONDS rc p=1 f=0
    export log
    # a hanging step fails; what it started is in its process group
    (
        "step_${name%%-*}" "${name#*-}"
    ) >"$log" 2>&1
    rc=$?
    read -r p f < <(sed -n 's/^count: //p' "$log" | tail -n 1; echo "")
    if [ -z "$p" ]; then
        p=$((rc == 0)) f=$((rc != 0))
    elif [ $rc -ne 0 ] && [ "$f" = 0 ]; then
        f=1
    fi
    passed=$((passed + p)) failed=$((failed + f))
    if [ $rc -eq 0 ] && [ "$f" -eq 0 ]; then
        printf 'ok    %-14s %4d passed  %4d s\n' "$name" "$p" $((SECONDS - start))
        return
    fi
    printf 'FAIL  %-14s %4d passed, %d failed  %4d s\n' "$name" "$p" "$f" $((SECONDS - start))
    tail -n 200 "$log" | sed 's/^/    /'
}

main() {
    local steps=() s
    for s in "$@"; do
        case $s in
        --list) printf 'check: %s\ntest: %s\nci: %s\n' "$CHECK" "$TEST" "$CI"; exit 0 ;;
        static) steps+=($STATIC) ;;
        check) steps+=($CHECK) ;;
        test) steps+=($TEST) ;;
        ci) steps+=($CI) ;;
        *)
            declare -F "step_${s%%-*}" >/dev/null || { echo "gate: no step $s; see --list" >&2; exit 2; }
            steps+=("$s")
            ;;
        esac
    done
    [ ${#steps[@]} -gt 0 ] || { echo "usage: tools/gate.sh STEP..." >&2; exit 2; }
    mkdir -p "$logs"
    for s in "${steps[@]}"; do
        run "$s"
    done
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
main "$@"
