#!/usr/bin/env python3
"""Writes a C file that holds a file's bytes: embed.py IN OUT SYMBOL HEADER."""
import sys

data = open(sys.argv[1], "rb").read()
symbol, header = sys.argv[3:5]
with open(sys.argv[2], "w") as out:
    out.write(f'#include "{header}"\n\nconst char {symbol}[] = {{\n')
    for i in range(0, len(data), 16):
        out.write("\t" + ", ".join(str(b if b < 128 else b - 256)
                                   for b in data[i:i + 16]) + ",\n")
    out.write(f"\t0\n}};\nconst size_t {symbol}_len = {len(data)};\n")
