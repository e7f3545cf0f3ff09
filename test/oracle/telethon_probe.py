"""What Telethon makes of a session file, and a file of its own making.

    telethon_probe.py read FILE IDS...     JSON of what it finds
    telethon_probe.py write FILE           JSON on stdin
    telethon_probe.py string TEXT          of a StringSession
"""
import datetime
import json
import sys

from telethon import __version__, utils
from telethon.crypto import AuthKey
from telethon.sessions import SQLiteSession, StringSession
from telethon.tl import types


def common(s):
    return {"library": __version__, "dc_id": s.dc_id, "port": s.port,
            "server_address": s.server_address, "key": s.auth_key.key.hex()}


def state(s, entity):
    got = s.get_update_state(entity)
    return got and [got.pts, got.qts, int(got.date.timestamp()), got.seq]


def read(path, *ids):
    s = SQLiteSession(path)
    out = common(s)
    out["peers"] = {}
    for marked in map(int, ids):
        try:
            p = s.get_input_entity(marked)
        except ValueError:
            continue
        out["peers"][marked] = getattr(p, "access_hash", 0)
    try:
        out["self"] = s.get_input_entity(0).access_hash
    except ValueError:
        out["self"] = 0
    out["by_username"] = {}
    for name in ("owner_name", "kanal", "kanal2"):
        try:
            out["by_username"][name] = utils.get_peer_id(
                s.get_input_entity(name))
        except ValueError:
            pass
    out["state"] = state(s, 0)
    out["channels"] = {c: (state(s, c) or [0])[0] for c in (1234567890,)}
    s.close()
    return out


def entity(p):
    """As the server tells of it; `date` and the like do not matter."""
    marked = p["id"]
    if marked > 0:
        return types.User(id=marked, access_hash=p["hash"],
                          first_name=p.get("name"), phone=p.get("phone"),
                          username=p.get("username"), bot=p.get("bot"))
    if marked > -10 ** 12:
        return types.Chat(id=-marked, title=p.get("name") or "", photo=None,
                          participants_count=1, date=None, version=1)
    return types.Channel(id=-marked - 10 ** 12, title=p.get("name") or "",
                         access_hash=p["hash"], photo=types.ChatPhotoEmpty(),
                         date=None, username=p.get("username"))


def write(path):
    want = json.load(sys.stdin)
    s = SQLiteSession(path)
    s.set_dc(want["dc_id"], want["server_address"], want["port"])
    s.auth_key = AuthKey(bytes.fromhex(want["key"]))
    all_ = [entity(p) for p in want["peers"]]
    s.process_entities(types.contacts.ResolvedPeer(None, all_, []))
    pts, qts, date, seq = want["state"]
    utc = datetime.timezone.utc
    s.set_update_state(0, types.updates.State(
        pts, qts, datetime.datetime.fromtimestamp(date, utc), seq, 0))
    # as the client does when it disconnects: now, with a fraction
    for channel, pts in want["channels"].items():
        s.set_update_state(int(channel), types.updates.State(
            pts, 0, datetime.datetime.now(), 0, 0))
    s.save()
    s.close()
    return {"library": __version__}


def string(text):
    s = StringSession(text)
    out = common(s)
    out["again"] = s.save()
    return out


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
