#!/usr/bin/env bash
# Proves the gates: plants one violation at a time in a copy of the tree and
# expects the gate to name it.  A gate that cannot fail is not one.
#
#   tools/test-gates.sh        prints a line a case; exit 1 if one was missed
set -euo pipefail
cd "$(dirname "$0")/.."
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git ls-files -z -- src test tools docs contrib Makefile .clang-format '*.md' |
    while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done |
    xargs -0 cp --parents -t "$tree"
bad=0

# expect NAME PATTERN COMMAND...: COMMAND fails and its output has PATTERN
expect() {
    local name=$1 pattern=$2 out
    shift 2
    if out=$(cd "$tree" && "$@" 2>&1); then
        echo "FAIL gate: $name: not refused"
        bad=1
    elif ! grep -qE -- "$pattern" <<<"$out"; then
        echo "FAIL gate: $name: refused, but not for '$pattern': $out"
        bad=1
    else
        echo "ok   gate: $name"
    fi
}

# plant NAME FILE TEXT PATTERN COMMAND...: the same with TEXT added to FILE
plant() {
    local name=$1 file=$2 text=$3 had=0
    shift 3
    [ -e "$tree/$file" ] && had=1 && cp "$tree/$file" "$tree/.saved"
    mkdir -p "$(dirname "$tree/$file")"
    printf '%b' "$text" >>"$tree/$file"
    expect "$name" "$@"
    rm -f "$tree/$file"
    [ $had = 0 ] || mv "$tree/.saved" "$tree/$file"
}

# An unplanted tree passes, else nothing below would mean anything.
for gate in layers names size docs; do
    (cd "$tree" && "tools/check-$gate.py" >/dev/null) || {
        echo "FAIL gate: the tree itself does not pass check-$gate"
        bad=1
    }
done

layers=tools/check-layers.py
plant "base may not see worker" src/base/buf.c \
    '#include "worker/account.h"\n' 'base/ may not include worker' $layers
plant "fleet sees base and nothing else" src/fleet/lease.c \
    '#include "net/loop.h"\n' 'fleet/ may not include net' $layers
plant "control never sees worker" src/control/planted.c \
    '#include "worker/fleet.h"\n' 'control/ may not include worker' $layers
plant "dc never sees tg" src/dc/planted.c \
    '#include "tg/engine.h"\n' 'dc/ may not include tg' $layers
plant "control sees tg only in sessfile" src/control/planted.c \
    '#include "tg/engine.h"\n' 'control/ may not include tg/engine' $layers
plant "private headers stay private" src/tg/planted.c \
    '#include "mtproto/session_int.h"\n' 'private to mtproto' $layers
plant "includes are qualified" src/net/planted.c \
    '#include "loop.h"\n' 'write "dir/file.h"' $layers
plant "OpenSSL only in crypto" src/mtproto/planted.c \
    '#include <openssl/evp.h>\n' 'only for crypto' $layers
plant "libuv only in net" src/worker/planted.c \
    '#include <uv.h>\n' 'only for net' $layers
plant "SQL only in store" src/control/planted.c \
    '#include <sqlite3.h>\n' 'only for store' $layers
plant "yyjson only behind our header" src/wire/planted.c \
    '#include <yyjson.h>\n' 'only for base/json' $layers
plant "libcurl only in http" src/cli/planted.c \
    '#include <curl/curl.h>\n' 'only for http' $layers
plant "no threads near accounts" src/worker/planted.c \
    '#include <pthread.h>\n' 'only for base/workpool' $layers
plant "engine has no log" src/tg/planted.c \
    '#include "base/log.h"\n' 'is only for' $layers
plant "one clock" src/worker/planted.c \
    'static long f(void)\n{\n\treturn time(NULL);\n}\n' 'time\(\)' $layers
plant "engine is handed its random" src/mtproto/planted.c \
    'static void f(void)\n{\n\tg(rnd_system());\n}\n' 'rnd_system' $layers
plant "no strcpy" src/worker/planted.c \
    'static void f(char *a)\n{\n\tstrcpy(a, "b");\n}\n' 'strcpy' $layers
plant "a new directory needs a row" src/extra/planted.c \
    '#include "base/buf.h"\n' 'not in the table' $layers

names=tools/check-names.py
plant "functions carry their file's name" src/net/planted.c \
    'int helper(void)\n{\n\treturn 1;\n}\n' 'should start with planted_' $names
plant "file names are unique" src/net/buf.c \
    'static int x;\n' 'also used by' $names

size=tools/check-size.py
long_function='int planted_f(int x)\n{\n'
for _ in $(seq 80); do long_function+='\tx++;\n'; done
plant "functions fit a screen" src/net/planted.c \
    "$long_function\treturn x;\n}\n" 'planted_f: 84 lines, limit 80' $size
long_file=
for _ in $(seq 801); do long_file+='/* line */\n'; done
plant "files stay short" src/net/planted.c \
    "$long_file" '801 lines, limit 800' $size
plant "the baseline only shrinks" tools/size-baseline.txt \
    'src/base/buf.c:buf_init 90\n' 'improved, update' $size

plant "format" src/net/planted.c \
    'int planted_f( void ){return 1;}\n' 'clang-format-violations' \
    bash -c 'clang-format --dry-run -Werror src/net/planted.c'
plant "documents name functions that exist" ARCHITECTURE.md \
    '\n`buf.c:buf_no_such_thing`\n' 'buf_no_such_thing' tools/check-docs.py
plant "a link in a document leads somewhere" ARCHITECTURE.md \
    '\n[x](docs/no-such-page.md)\n' 'which is not there' tools/check-docs.py
plant "a fuzz target has its row" test/fuzz/fuzz_planted.c \
    '\n' 'no row of test/fuzz/fuzz_planted.c' tools/check-docs.py

# The compilers: the flags are those of meson.build.
for cc in gcc clang; do
    printf '#include "base/err.h"\nenum err planted_f(void);\nvoid planted_g(void);\nvoid planted_g(void)\n{\n\tplanted_f();\n}\n' >"$tree/planted.c"
    expect "$cc: a dropped result" 'nodiscard|unused-result' \
        $cc -std=gnu2x -Werror -Isrc -c planted.c -o planted.o
    printf '#include "base/clock.h"\nstruct mono planted_f(struct wall w);\nstruct mono planted_f(struct wall w)\n{\n\treturn w;\n}\n' >"$tree/planted.c"
    expect "$cc: clocks do not mix" 'incompatible' \
        $cc -std=gnu2x -Werror -Isrc -c planted.c -o planted.o
done
exit $bad
