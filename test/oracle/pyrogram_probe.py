"""What Pyrogram or a fork of it makes of a session file, and a file of its making.

    pyrogram_probe.py read FOLDER NAME IDS...    JSON of what it finds
    pyrogram_probe.py write FOLDER NAME          JSON on stdin
    pyrogram_probe.py string TEXT                of a string session

Kurigram's storage of today has another interface than the others'.
"""
import asyncio
import inspect
import json
import pathlib
import sqlite3
import sys

import pyrogram
from pyrogram import storage

NEW = not hasattr(storage, "FileStorage")


def in_file(folder, name):
    kind = storage.SQLiteStorage if NEW else storage.FileStorage
    return kind(name, pathlib.Path(folder))


def in_memory(text):
    if NEW:
        return storage.SQLiteStorage("x", pathlib.Path("."),
                                     session_string=text, in_memory=True)
    return storage.MemoryStorage("x", text)


async def maybe(value):
    return await value if inspect.isawaitable(value) else value


async def common(s):
    out = {"library": pyrogram.__version__,
           "version": await maybe(s.version()),
           "key": (await s.auth_key()).hex()}
    for what in ("dc_id", "api_id", "test_mode", "user_id", "is_bot",
                 "server_address", "port"):
        if hasattr(s, what):
            out[what] = await getattr(s, what)()
    return out


async def states(s):
    if hasattr(s, "get_update_states"):
        rows = [(r.id, r.pts, r.qts, r.date, r.seq)
                for r in await s.get_update_states()]
    elif hasattr(s, "update_state"):
        rows = await s.update_state()
    else:
        return None
    return {r[0]: list(r[1:]) for r in rows}


async def read(folder, name, *ids):
    s = in_file(folder, name)
    await s.open()
    out = await common(s)
    out["peers"], out["by_username"], out["by_phone"] = {}, {}, {}
    for marked in map(int, ids):
        try:
            p = await s.get_peer_by_id(marked)
        except KeyError:
            continue
        out["peers"][marked] = getattr(p, "access_hash", 0)
    for name_ in ("owner_name", "kanal", "kanal2"):
        try:
            p = await s.get_peer_by_username(name_)
        except (KeyError, sqlite3.OperationalError):
            continue  # Pyrofork asks a table that it makes at the first update
        out["by_username"][name_] = getattr(p, "user_id", 0) or \
            -10 ** 12 - p.channel_id
    try:
        p = await s.get_peer_by_phone_number("9996621234")
        out["by_phone"]["9996621234"] = p.user_id
    except KeyError:
        pass
    out["states"] = await states(s)
    out["string"] = await s.export_session_string() if out["api_id"] else None
    await s.close()
    return out


async def put_peers(s, peers):
    # Kurigram keeps usernames apart from the peers
    apart = str(inspect.signature(s.update_peers)).count("str") == 2
    rows = []
    for p in peers:
        row = [p["id"], p["hash"], p["type"], p.get("phone")]
        if not apart:
            row.insert(3, p.get("username"))
        rows.append(tuple(row))
    await s.update_peers(rows)
    if not hasattr(s, "update_usernames"):
        return
    if apart:
        await s.update_usernames([(p["id"], p["usernames"]) for p in peers
                                  if p.get("usernames")])
    else:
        await s.update_usernames([(p["id"], u) for p in peers
                                  for u in p.get("usernames", [])[1:]])


async def put_states(s, rows):
    if hasattr(s, "set_update_state"):
        await s.set_update_state([storage.storage.UpdateState(*r)
                                  for r in rows])
    elif hasattr(s, "update_state"):
        for r in rows:
            await s.update_state(tuple(r))


async def write(folder, name):
    want = json.load(sys.stdin)
    s = in_file(folder, name)
    await s.open()
    for what in ("dc_id", "api_id", "test_mode", "user_id", "is_bot",
                 "server_address", "port"):
        if hasattr(s, what):
            await getattr(s, what)(want[what])
    await s.auth_key(bytes.fromhex(want["key"]))
    await put_peers(s, want["peers"])
    await put_states(s, [[0, *want["state"]]] + [
        [-10 ** 12 - int(c), pts, None, want["state"][2], None]
        for c, pts in want["channels"].items()])
    out = {"library": pyrogram.__version__,
           "version": await maybe(s.version()),
           "string": await s.export_session_string()}
    await s.save()
    await s.close()
    return out


async def string(text):
    s = in_memory(text)
    await s.open()
    out = await common(s)
    if await s.api_id():
        out["again"] = await s.export_session_string()
    return out


if __name__ == "__main__":
    print(json.dumps(asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))))
