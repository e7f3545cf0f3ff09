#!/usr/bin/env bash
# tgfleet beside the clients of strangers: clients.py, in a network of its own.
exec "$(dirname "$0")/../interop/alone.sh" bench \
    /usr/bin/python3 test/bench/clients.py "$@"
