#!/usr/bin/env python3
"""Writes test/data/tl_198.json: objects and their bytes as GramJS writes them.

  npm install telegram@2.26.22	(somewhere, DIR)
  tools/tl/fixtures_198.py DIR

Values are random from a fixed seed, shaped by api_198.tl; the bytes come from
GramJS's own classes, run by node (fixtures_198.js).
"""
import json
import pathlib
import random
import re
import subprocess
import sys

from fixture_values import CHOSEN, Maker, to_json

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[2]


def camel(name):
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), name)


def build(value, kind=""):
    """What fixtures_198.js makes an object of."""
    if isinstance(value, list):
        return [build(v, kind) for v in value]
    if isinstance(value, tuple):
        e, fields = value
        kinds = {f.name: f.type for f in e.fields}
        return {"id": e.id, "args": {camel(k): build(v, kinds[k])
                                     for k, v in fields.items()}}
    if isinstance(value, bytes):
        if kind == "bytes":
            return {"bytes": value.hex()}
        return {"big": str(int.from_bytes(value, "little", signed=True))}
    return {"big": str(value)} if kind == "long" else value


def unusable(value):
    """GramJS replaces a random_id of 0 and refuses messages numbered 0."""
    if isinstance(value, list):
        return any(map(unusable, value))
    if not isinstance(value, tuple):
        return False
    e, fields = value
    return e.name.startswith("message") and fields.get("id") == 0 or any(
        f.name == "random_id" and not fields.get(f.name)
        for f in e.fields) or any(map(unusable, fields.values()))


def main():
    maker = Maker(ROOT / "src/tl/schema/api_198.tl", random.Random(198))
    trees = [t for t in maker.sample(CHOSEN, 200) if not unusable(t)]
    res = subprocess.run(
        ["node", HERE.with_suffix(".js"), pathlib.Path(sys.argv[1]).resolve()],
        input=json.dumps([build(t) for t in trees]), text=True,
        stdout=subprocess.PIPE, check=True)
    out = [{"json": to_json(t), "hex": h}
           for t, h in zip(trees, json.loads(res.stdout), strict=True)]
    path = ROOT / "test/data/tl_198.json"
    path.write_text(json.dumps(
        {"generator": "npm telegram 2.26.22, layer 198", "vectors": out},
        ensure_ascii=False, indent=0) + "\n")
    print(f"{path.name}: {len(out)} objects")


if __name__ == "__main__":
    main()
