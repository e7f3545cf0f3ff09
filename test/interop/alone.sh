#!/usr/bin/env bash
# Fetches the pinned packages when they are missing or changed; then runs a command
# in a network of its own, with loopback only: nothing can leave the machine.
#
#   alone.sh NAME COMMAND...     NAME: who complains
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1
shift
command -v npm >/dev/null || { echo "$name: node and npm (>= 20) are needed" >&2; exit 1; }
lock=test/interop/package-lock.json seen=test/interop/node_modules/.lock-seen
cmp -s "$lock" "$seen" || {
    npm ci --prefix test/interop --ignore-scripts --no-audit --no-fund --silent
    cp "$lock" "$seen"
}
alone() { unshare --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh "$@"; }
alone true || { echo "$name: a network namespace is needed: unshare -rn (util-linux)" \
    "where the kernel lets users make one, and ip (iproute2)" >&2; exit 1; }
alone "$@"
