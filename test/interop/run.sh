#!/usr/bin/env bash
# Fetches the pinned packages when they are missing or changed, then run.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v npm >/dev/null || { echo "interop: node and npm (>= 20) are needed" >&2; exit 1; }
lock=test/interop/package-lock.json seen=test/interop/node_modules/.lock-seen
cmp -s "$lock" "$seen" || {
    npm ci --prefix test/interop --ignore-scripts --no-audit --no-fund --silent
    cp "$lock" "$seen"
}
export TGFLEET_BIN=${TGFLEET_BIN:-$PWD/build/release/tgfleet}
# In a network of its own, with loopback only: nothing can leave the machine.
alone() { unshare --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
alone true || { echo "interop: a network namespace is needed: unshare -rn (util-linux)" \
    "where the kernel lets users make one, and ip (iproute2)" >&2; exit 1; }
alone \
    /usr/bin/python3 test/interop/run.py --table docs/interop.md "$@"
