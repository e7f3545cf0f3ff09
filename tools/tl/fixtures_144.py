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

from tltext import parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHOSEN = """message messageService messageEmpty user userEmpty chat chatEmpty
    chatForbidden channel channelForbidden config dcOption peerUser peerChat
    peerChannel updateNewMessage updateNewChannelMessage updateShort updates
    updatesCombined updateShortMessage updateShortChatMessage
    updateShortSentMessage updatesTooLong updates.state updates.difference
    updates.differenceEmpty updates.differenceSlice auth.sentCode
    auth.authorization messages.messages messages.messagesSlice
    messages.channelMessages messages.dialogs dialog users.userFull nearestDc
    help.getConfig users.getUsers messages.sendMessage messages.getHistory
    auth.sendCode auth.signIn updates.getDifference account.updateStatus
    messages.getDialogs auth.importBotAuthorization""".split()
rng = random.Random(144)
entries = parse((ROOT / "src/tl/schema/api_144.tl").read_text())[1]
by_name = {e.name: e for e in entries}
by_type = {}
for e in entries:
    if not e.is_function:
        by_type.setdefault(e.result, []).append(e)
WORDS = ["", "x", "hello", "Straße", "привет", "日本" * 40, "a" * 253, "b" * 300]


def scalar(kind):
    if kind == "int":
        v = rng.choice([0, 1, -1, 2**31 - 1, -2**31, rng.getrandbits(30)])
        return v, v
    if kind == "long":
        v = rng.choice([0, 1, -1, 2**63 - 1, -2**63, rng.getrandbits(60)])
        return str(v), v
    if kind == "double":
        v = rng.choice([0.0, -1.5, 1e100])
        return v, v
    if kind == "string":
        v = rng.choice(WORDS)
        return v, v
    if kind == "bytes":
        v = rng.randbytes(rng.choice([0, 1, 2, 3, 4, 253, 254, 260]))
        return v.hex(), v
    if kind in ("int128", "int256"):
        v = rng.randbytes(int(kind[3:]) // 8)
        return v.hex(), int.from_bytes(v, "little")
    return (b := rng.random() < 0.5), b     # Bool


def value(f, depth):
    def one():
        if f.type in by_type:
            return make(pick(f.type, depth), depth + 1)
        if f.name in ("user_id", "chat_id", "channel_id"):
            # Telethon computes with these; it takes extreme ones for marked.
            v = rng.getrandbits(31)
            return (str(v) if f.type == "long" else v), v
        return scalar(f.type)
    if not f.vec:
        return one()
    items = [one() for _ in range(rng.randint(1, 3 if depth < 3 else 1))]
    return [i[0] for i in items], [i[1] for i in items]


def pick(type_name, depth):
    options = by_type[type_name]
    if depth > 2:
        return min(options, key=lambda e: sum(
            not f.flag and f.type in by_type for f in e.fields))
    return rng.choice(options)


def make(e, depth=0):
    """Returns (json, Telethon object)."""
    js, args = {"_": e.name}, {}
    chance = 0.6 if depth == 0 else 0.2 if depth < 4 else 0
    bits = {f.flag: rng.random() < chance for f in e.fields if f.flag}
    for f in e.fields:
        if f.type == "#":
            continue
        if f.flag and not bits[f.flag]:
            args[f.name] = None
            continue
        if f.type == "true":
            js[f.name], args[f.name] = True, True
        else:
            js[f.name], args[f.name] = value(f, depth)
            # Telethon takes False for "absent" whatever the type.
            if f.flag and f.type == "Bool":
                js[f.name] = args[f.name] = True
    if "self" in args:
        args["is_self"] = args.pop("self")
    return js, tlobjects[e.id](**args)


def main():
    if LAYER != 144:
        sys.exit(f"this Telethon is layer {LAYER}")
    rest = sorted(e.name for e in entries
                  if e.name not in CHOSEN and not e.generic())
    names = [n for n in CHOSEN if n in by_name for _ in range(3)]
    names += rng.sample(rest, 150)
    out = []
    for name in names:
        js, obj = make(by_name[name])
        out.append({"json": js, "hex": bytes(obj).hex()})
    path = ROOT / "test/data/tl_144.json"
    path.write_text(json.dumps(
        {"generator": "Debian python3-telethon 1.25.1, layer 144",
         "vectors": out}, ensure_ascii=False, indent=0) + "\n")
    print(f"{path.name}: {len(out)} objects")


if __name__ == "__main__":
    main()
