#!/usr/bin/python3
"""Writes test/data/tl_144.json: objects and their bytes as Telethon writes them.

Needs Debian's python3-telethon.  Values are random from a fixed seed, shaped by
api_144.tl; the bytes come from Telethon's own classes, so a mistake in our writer
and one in this script would have to agree to go unseen.
"""
import json
import pathlib
import random
import sys

from telethon.tl.alltlobjects import LAYER, tlobjects

from fixture_values import CHOSEN, Maker, to_json

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build(value, kind=""):
    if isinstance(value, list):
        return [build(v, kind) for v in value]
    if isinstance(value, bytes) and kind in ("int128", "int256"):
        return int.from_bytes(value, "little")
    if not isinstance(value, tuple):
        return value
    e, fields = value
    args = {f.name: build(fields[f.name], f.type) if f.name in fields else None
            for f in e.fields if f.type != "#"}
    if "self" in args:
        args["is_self"] = args.pop("self")
    return tlobjects[e.id](**args)


def main():
    if LAYER != 144:
        sys.exit(f"this Telethon is layer {LAYER}")
    maker = Maker(ROOT / "src/tl/schema/api_144.tl", random.Random(144))
    out = [{"json": to_json(t), "hex": bytes(build(t)).hex()}
           for t in maker.sample(CHOSEN, 150)]
    path = ROOT / "test/data/tl_144.json"
    path.write_text(json.dumps(
        {"generator": "Debian python3-telethon 1.25.1, layer 144",
         "vectors": out}, ensure_ascii=False, indent=0) + "\n")
    print(f"{path.name}: {len(out)} objects")


if __name__ == "__main__":
    main()
