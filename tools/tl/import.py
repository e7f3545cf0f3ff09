#!/usr/bin/env python3
"""Writes src/tl/schema/*.tl and src/tg/schema/errors.txt, or with --check compares
them with their sources.

  api_223.tl, mtproto.tl, errors.txt
                          npm package @mtcute/tl 223.0.0
                          sha512-RBppaVVpp+YsGC5PTsZ2hk1NI4rI0iAj7ll9urbUmII9OCaOMSsw
                                 iF9ZcjQ1aQhofey8Im87DRhxpiBZQ4OEUg==
                          npm pack @mtcute/tl@223.0.0 && tar xf mtcute-tl-*.tgz
  api_144.tl              Debian package python3-telethon 1.25.1: the schema is
                          read back from its generated classes
  api_198.tl              npm package telegram 2.26.22 (GramJS): the schema text it
                          carries in tl/apiTl.js
                          sha512-EIj7Yrjiu0Yosa3FZ/7EyPg9s6UiTi/zDQrFmR/2Mg7pIUU+
                                 XjAit1n1u9OU9h2oRnRM5M+67/fxzQluZpaJJg==
                          npm pack telegram@2.26.22 && tar xf telegram-*.tgz

  tools/tl/import.py [--check] [--npm DIR] [--telethon DIR] [--gramjs DIR]

Only the parts whose source is given are written or compared.  Every entry must
hash to its id: what does not (listed in DROP) is the package's own invention.
"""
import argparse
import json
import pathlib
import re
import sys

import telethon_schema
from tltext import Entry, Field, parse, render

PACKAGE = ("@mtcute/tl", "223.0.0")
LAYER = 223
GRAMJS = ("telegram", "2.26.22")
DROP = {"inputPeerPhotoFileLocationLegacy", "inputStickerSetThumbLegacy",
        "mtcute.customMethod"}
# Their shape cannot be said in a table; mtproto reads them by hand.
BY_HAND = {"vector", "msg_container", "rpc_result", "gzip_packed", "msg_copy"}
# The package calls everything of MTProto a class.
SERVICE_FUNCTIONS = {"req_pq_multi", "req_DH_params", "set_client_DH_params",
                     "rpc_drop_answer", "get_future_salts", "ping",
                     "ping_delay_disconnect", "destroy_session",
                     "destroy_auth_key"}
# Documented at core.telegram.org/mtproto, used by other clients, not in the package.
EXTRA = """
p_q_inner_data#83c95aec pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 = P_Q_inner_data;
p_q_inner_data_temp#3c6a84d4 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 expires_in:int = P_Q_inner_data;
server_DH_params_fail#79cb045d nonce:int128 server_nonce:int128 new_nonce_hash:int128 = Server_DH_Params;
---functions---
req_pq#60469778 nonce:int128 = ResPQ;
"""
SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
ERRORS_NOTE = """\
# Telegram's errors: name, code, methods known to raise it (0: any may), description;
# tabs between them.  What tgfleet does about them is in src/tg/rpcerr.def.
"""


def bare_name(name):
    return name[3:] if name.startswith("mt_") else name


def from_argument(arg):
    mods = arg.get("typeModifiers", {})
    unknown = set(mods) - {"predicate", "isVector", "isBareVector",
                           "isBareType", "isBareUnion", "constructorId"}
    if unknown:
        sys.exit(f"{arg}: unknown modifiers {unknown}")
    kind = bare_name(arg["type"])
    generic = kind.startswith("!")
    vec = "vector" if mods.get("isBareVector") else \
        "Vector" if mods.get("isVector") else ""
    return Field(arg["name"], {"int53": "long"}.get(kind, kind.lstrip("!")),
                 mods.get("predicate", ""), vec, generic)


def from_npm(entries):
    out, dropped = [], set()
    for e in entries:
        name = bare_name(e["name"])
        if name in BY_HAND and e["name"] != name:
            continue
        mods = e.get("typeModifiers", {})
        t = {"int53": "long"}.get(e["type"], bare_name(e["type"]))
        entry = Entry(name, e["id"], [from_argument(a) for a in e["arguments"]],
                      t, "Vector" if mods.get("isVector") else "",
                      e["kind"] == "method" or
                      e["name"].removeprefix("mt_") in SERVICE_FUNCTIONS
                      and e["name"].startswith("mt_"))
        if entry.crc() == entry.id:
            out.append(entry)
            continue
        if name not in DROP:
            sys.exit(f"{entry.text()}: its CRC32 is {entry.crc():08x}")
        dropped.add(name)
    return out, dropped


def want_package(root, package):
    manifest = json.loads((root / "package.json").read_text())
    if (manifest["name"], manifest["version"]) != package:
        sys.exit(f"{root}: is {manifest['name']} {manifest['version']}, "
                 f"want {package[0]} {package[1]}")


def plain(text):
    """Links and entities of the web pages mean nothing in a terminal."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r" *&raquo;", "", text)


def errors_text(raw):
    """The package's error list, sorted by name."""
    methods = {}
    for names in raw["throws"].values():
        for name in set(names):
            methods[name] = methods.get(name, 0) + 1
    rows = []
    for name, e in sorted(raw["errors"].items()):
        text = plain(e.get("description") or "")
        if e["name"] != name or re.search(r"[^ -~]|[\\\"]", name + text):
            sys.exit(f"{e}: not a plain name and description")
        rows.append(f"{name}\t{e['code']}\t{methods.get(name, 0)}\t{text}\n")
    unlisted = set(methods) - set(raw["errors"])
    if unlisted:
        sys.exit(f"raised, but not described: {unlisted}")
    return ERRORS_NOTE + \
        f"# Made by tools/tl/import.py from npm {' '.join(PACKAGE)}.\n" + \
        "".join(rows)


def npm_files(root):
    want_package(root, PACKAGE)
    api = json.loads((root / "api-schema.json").read_text())
    if api["l"] != LAYER:
        sys.exit(f"{root}: layer {api['l']}, want {LAYER}")
    entries, dropped = from_npm(api["e"])
    if dropped != DROP:
        sys.exit(f"not dropped after all: {DROP - dropped}")
    note = [f"Made by tools/tl/import.py from npm {' '.join(PACKAGE)}."]
    yield "api_223.tl", render(entries, LAYER, note)
    mtp, _ = from_npm(json.loads((root / "mtp-schema.json").read_text()))
    mtp += parse(EXTRA)[1]
    if any(e.crc() != e.id for e in mtp):
        sys.exit("an EXTRA line does not hash to its id")
    yield "mtproto.tl", render(mtp, 0, note)
    yield "errors.txt", errors_text(
        json.loads((root / "raw-errors.json").read_text()))


def telethon_files(root):
    entries, layer = telethon_schema.load(root)
    for e in entries:
        if e.crc() != e.id:
            sys.exit(f"{e.text()}: its CRC32 is {e.crc():08x}")
    yield f"api_{layer}.tl", render(entries, layer, [
        "Made by tools/tl/import.py from Debian's python3-telethon."])


def js_text(source):
    """What a module that is one template literal exports."""
    m = re.search(r"module\.exports = `([^`$\\]*)`;", source)
    if not m:
        sys.exit("not a module of one plain template literal")
    return m[1]


def gramjs_entries(text):
    lines = [s for s in text.splitlines()
             if not re.match(r"vector#1cb5c415 ", s.strip())]
    entries = parse("\n".join(lines))[1]
    for e in entries:
        if e.crc() != e.id:
            sys.exit(f"{e.text()}: its CRC32 is {e.crc():08x}")
    return entries


def gramjs_files(root):
    want_package(root, GRAMJS)
    m = re.search(r"exports\.LAYER = (\d+);",
                  (root / "tl/AllTLObjects.js").read_text())
    if not m:
        sys.exit(f"{root}: tl/AllTLObjects.js does not say its layer")
    layer = int(m[1])
    yield f"api_{layer}.tl", render(
        gramjs_entries(js_text((root / "tl/apiTl.js").read_text())), layer,
        [f"Made by tools/tl/import.py from npm {' '.join(GRAMJS)}."])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--check", action="store_true")
    p.add_argument("--npm", type=pathlib.Path)
    p.add_argument("--telethon", type=pathlib.Path)
    p.add_argument("--gramjs", type=pathlib.Path)
    args = p.parse_args()
    files = []
    if args.npm:
        files += npm_files(args.npm)
    if args.telethon:
        files += telethon_files(args.telethon)
    if args.gramjs:
        files += gramjs_files(args.gramjs)
    if not files:
        p.error("give --npm DIR, --telethon DIR, --gramjs DIR or several")
    bad = 0
    for name, text in files:
        path = SRC / ("tl" if name.endswith(".tl") else "tg") / "schema" / name
        if not args.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path}: is not what its source says; run without --check")
            bad = 1
        print(f"{name}: {text.count(chr(10))} lines")
    sys.exit(bad)


if __name__ == "__main__":
    main()
