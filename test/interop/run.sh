#!/usr/bin/env bash
# All clients in a network of their own: run.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
export TGFLEET_BIN=${TGFLEET_BIN:-$PWD/build/release/tgfleet}
exec test/interop/alone.sh interop \
    /usr/bin/python3 test/interop/run.py --table docs/interop.md "$@"
