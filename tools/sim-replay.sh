#!/usr/bin/env bash
# One simulation in two builds, made by different compilers: the same bytes?
#
#   tools/sim-replay.sh BUILD BUILD [SEED...]
set -euo pipefail
cd "$(dirname "$0")/.."
one=$1 two=$2
shift 2
[ $# -gt 0 ] || set -- 1 2 3 4 5 6 7 8
bad=0
trace() {
    "$1/test/sim/sim" --seed "$2" | sed -n 's/.*, trace //p'
}
for seed in "$@"; do
    a=$(trace "$one" "$seed")
    b=$(trace "$two" "$seed")
    if [ -n "$a" ] && [ "$a" = "$b" ]; then
        echo "ok   sim-replay: seed $seed ($a)"
    else
        echo "FAIL sim-replay: seed $seed: $one ${a:-nothing}, $two ${b:-nothing}"
        bad=1
    fi
done
exit $bad
