#!/usr/bin/env python3
"""Makes the table of Telegram's errors: errors.py src/tg/schema/errors.txt OUT.c

The text is what tools/tl/import.py wrote; a line that is not name, code, number of
methods and description, or not in order, stops the build.
"""
import pathlib
import re
import sys

NAME_MAX = 63


def rows(path):
    last = ""
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("#"):
            continue
        m = re.fullmatch(r"([!-~][ -~]*)\t(-?\d+)\t(\d+)\t([ -~]*)", line)
        if not m or len(m[1]) > NAME_MAX or re.search(r'["\\]', line):
            sys.exit(f"{path}:{n}: not an error: {line}")
        if m[1] <= last:
            sys.exit(f"{path}:{n}: {m[1]} after {last}: not in order")
        if m[1].count("%") != m[1].count("%d"):
            sys.exit(f"{path}:{n}: {m[1]}: only %d may stand in a name")
        last = m[1]
        yield m[1], m[2], m[3], m[4]


def main():
    source, out = map(pathlib.Path, sys.argv[1:3])
    text = ['#include "tg/rpcerr_int.h"\n',
            "const struct rpcerr_known rpcerr_known[] = {"]
    text += [f'\t{{ "{name}", "{about}", {code}, {methods} }},'
             for name, code, methods, about in rows(source)]
    text += ["};", "const size_t rpcerr_known_n = "
             "sizeof(rpcerr_known) / sizeof(rpcerr_known[0]);\n"]
    out.write_text("\n".join(text))


if __name__ == "__main__":
    main()
