#!/usr/bin/env python3
"""Turn NNNN_name.up.sql / .down.sql into one C file of strings.

Every step needs both directions, and the numbers must be 1, 2, 3 ... without a
hole: a gap would let two databases of one version differ.
"""
import pathlib
import re
import sys


def c_string(text):
    out = []
    for line in text.splitlines():
        line = line.split("--")[0].rstrip()
        if line:
            esc = line.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'\t"{esc}\\n"')
    return "\n".join(out) or '\t""'


def main(out, *files):
    steps = {}
    for f in map(pathlib.Path, files):
        m = re.fullmatch(r"(\d{4})_(\w+)\.(up|down)\.sql", f.name)
        if not m:
            sys.exit(f"{f}: want NNNN_name.up.sql or .down.sql")
        steps.setdefault((int(m[1]), m[2]), {})[m[3]] = f.read_text()
    numbers = sorted(n for n, _ in steps)
    if numbers != list(range(1, len(numbers) + 1)):
        sys.exit(f"migrations are numbered {numbers}")
    rows = []
    for (number, name), way in sorted(steps.items()):
        if set(way) != {"up", "down"}:
            sys.exit(f"migration {number} lacks a direction")
        rows.append(f'{{ {number}, "{name}",\n{c_string(way["up"])},\n'
                    f'{c_string(way["down"])} }},\n')
    pathlib.Path(out).write_text(
        '#include "store/migrations.h"\n\n'
        "const struct migrations_step migrations_steps[] = {\n"
        + "".join(rows) + "};\n"
        f"const int migrations_newest = {numbers[-1]};\n")


main(*sys.argv[1:])
