#!/usr/bin/env bash
# Compares src/tl/schema and src/tg/schema with their sources, wherever they can be
# had: the npm packages (downloaded once into build/, checked against the sums in
# tools/tl/import.py) and Debian's python3-telethon 1.25.1.
#
#   tools/check-schema.sh
#
# Every line's CRC32 is checked against its id at each build; this check says that
# no line is missing or added.  What cannot be had is said and passed over: a build
# must not need the network.
set -euo pipefail
cd "$(dirname "$0")/.."
args=()

# fetch OPTION PACKAGE VERSION FILE: adds OPTION and the unpacked package to args
fetch() {
    local dir=build/schema/$4 tgz=build/schema/$4-$3.tgz want got
    mkdir -p "$dir"
    # the sum follows the package's line, in two pieces
    want=$(grep -A3 -F -- "npm package $2 $3" tools/tl/import.py | tr -d ' \n' |
        grep -oE 'sha512-[A-Za-z0-9+/]+==' | sed 's/^sha512-//')
    if [ ! -s "$tgz" ] && command -v npm >/dev/null; then
        (cd build/schema && timeout 60 npm pack --silent --prefer-offline "$2@$3" >/dev/null 2>&1) ||
            rm -f "$tgz"
    fi
    if [ ! -s "$tgz" ]; then
        echo "$2 $3 cannot be had here: not compared"
        return
    fi
    got=$(openssl dgst -sha512 -binary "$tgz" | base64 -w 0)
    if [ "$got" != "$want" ]; then
        echo "$tgz: its SHA-512 is $got, tools/tl/import.py wants $want" >&2
        exit 1
    fi
    tar -xzf "$tgz" -C "$dir"
    args+=("$1" "$dir/package")
}

fetch --npm @mtcute/tl 223.0.0 mtcute-tl
fetch --gramjs telegram 2.26.22 telegram
if [ "$(dpkg-query -W -f '${Version}' python3-telethon 2>/dev/null | cut -d- -f1)" = 1.25.1 ]; then
    args+=(--telethon /usr/lib/python3/dist-packages/telethon/tl)
else
    echo "python3-telethon 1.25.1 is not installed: layer 144 not compared"
fi
[ ${#args[@]} -eq 0 ] || python3 tools/tl/import.py --check "${args[@]}"
