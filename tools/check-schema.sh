#!/usr/bin/env bash
# Compares src/tl/schema with its sources, wherever they can be had: the npm
# package (downloaded once into build/) and Debian's python3-telethon 1.25.1.
#
#   tools/check-schema.sh
#
# Every line's CRC32 is checked against its id at each build; this check says that
# no line is missing or added.  Without the sources it says so and passes: a build
# must not need the network.
set -euo pipefail
cd "$(dirname "$0")/.."
package=@mtcute/tl@223.0.0
sum=$(sed -n '/sha512-/,/==$/p' tools/tl/import.py | sed -E 's/.*sha512-//' | tr -d ' \n')
dir=build/schema
tgz=$dir/mtcute-tl-223.0.0.tgz
args=()

mkdir -p $dir
if [ ! -s $tgz ] && command -v npm >/dev/null; then
    (cd $dir && timeout 60 npm pack --silent --prefer-offline "$package" >/dev/null 2>&1) ||
        rm -f $tgz
fi
if [ -s $tgz ]; then
    got=$(python3 -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' $tgz)
    if [ "$got" != "$sum" ]; then
        echo "$tgz: its SHA-512 is $got, tools/tl/import.py wants $sum" >&2
        exit 1
    fi
    tar -xzf $tgz -C $dir
    args+=(--npm $dir/package)
else
    echo "$package cannot be had here: layer 223 not compared"
fi
telethon=/usr/lib/python3/dist-packages/telethon/tl
if [ "$(dpkg-query -W -f '${Version}' python3-telethon 2>/dev/null | cut -d- -f1)" = 1.25.1 ]; then
    args+=(--telethon $telethon)
else
    echo "python3-telethon 1.25.1 is not installed: layer 144 not compared"
fi
[ ${#args[@]} -eq 0 ] || python3 tools/tl/import.py --check "${args[@]}"
