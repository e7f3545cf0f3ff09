#!/usr/bin/env python3
"""Writes seeds for the fuzz targets, made from the test vectors.

    tools/fuzz-seeds.py DIR        writes DIR/<target>/<hash>

A target without a function here starts from nothing.  What the fuzzer adds to DIR
is left alone.
"""
import base64
import gzip
import hashlib
import json
import pathlib
import re
import struct
import sys
import zlib

DATA = pathlib.Path("test/data")
SEED_MAX = 64 << 10


def vectors(name):
    return json.loads((DATA / name).read_text())


def handshake_messages():
    for h in vectors("vectors/handshake.json")["handshakes"]:
        for key in ("req_pq_multi", "resPQ", "req_DH_params",
                    "p_q_inner_data", "server_DH_params",
                    "set_client_DH_params", "dh_gen"):
            if isinstance(h.get(key), str):
                yield bytes.fromhex(h[key])


def scenario():
    for f in sorted(pathlib.Path("test/scenarios").glob("*.dcs")):
        yield f.read_bytes()


def sessfile():
    for f in sorted((DATA / "vectors/sessions").rglob("*")):
        if f.is_file() and f.stat().st_size <= SEED_MAX:
            yield f.read_bytes()


def tl():
    for v in vectors("vectors/tl_223.json")["vectors"]:
        yield b"\0" + bytes.fromhex(v["hex"])
    for v in vectors("vectors/tl_223.json")["malformed"]:
        yield b"\0" + bytes.fromhex(v["hex"])
    for v in vectors("tl_144.json")["vectors"]:
        if isinstance(v.get("hex"), str):
            yield b"\1" + bytes.fromhex(v["hex"])
    for m in handshake_messages():
        yield b"\2" + m
    for v in vectors("tl_198.json")["vectors"]:
        yield b"\3" + bytes.fromhex(v["hex"])


def engine():
    def give(to, b):
        return bytes([5 | to << 4, len(b) // 4]) + b

    too_long = struct.pack("<I", 0xe317af7e)
    for i, v in enumerate(vectors("vectors/tl_223.json")["vectors"]):
        b = bytes.fromhex(v["hex"])
        if len(b) <= 1020:
            yield b"\1" + bytes([1, i % 24]) + give(1, b) + \
                bytes([1, (i + 12) % 24]) + give(1, b)
            yield b"\1" + give(0, b) + give(0, b) + b"\3\0\0\40"
            yield b"\1" + give(0, too_long) + give(1, b) + b"\1\0" + give(1, b)
    yield b"\0" + b"\0\40" * 6 + b"\2\1\1\0\0\377"


def envelope():
    for v in vectors("vectors/envelope.json")["vectors"][:8]:
        yield bytes.fromhex(v["body"])
    ping = struct.pack("<IQ", 0x7abe77ec, 7)
    msg = struct.pack("<QII", 4 << 32 | 1, 1, len(ping)) + ping
    yield struct.pack("<II", 0x73f1f8dc, 2) + msg + msg
    yield gzip.compress(ping * 50)
    packed = gzip.compress(ping * 10)
    yield struct.pack("<IB", 0x3072cfa1, len(packed)) + packed + \
        bytes(-(len(packed) + 1) % 4)
    for m in handshake_messages():
        yield struct.pack("<QQI", 0, 4 << 32, len(m)) + m


def handshake():
    rows = b"".join(struct.pack("<H", len(m)) + m
                    for m in list(handshake_messages())[:4])
    for mode in range(16):
        yield bytes([mode]) + rows


def tl_bytes(b):
    head = bytes([len(b)]) if len(b) < 254 else \
        b"\xfe" + len(b).to_bytes(3, "little")
    return head + b + bytes(-(len(head) + len(b)) % 4)


def signin():
    """A way in, then pieces: kind, length, what the server says."""
    def piece(kind, data):
        return struct.pack("<BH", kind, len(data)) + data
    user = struct.pack("<IIIqq", 0x31774388, 1, 0, 4711, 5) + bytes(8)
    signed_in = struct.pack("<II", 0x2ea2c0d4, 0) + user
    tail = tl_bytes(b"hash")
    for type_id in (0x3dbb5986, 0xc000bba2, 0x5353e5a7):
        code = struct.pack("<IIIi", 0x5e002502, 0, type_id, 5) + tail
        yield b"\0" + piece(0, code) + piece(0, signed_in)
        yield b"\0" + piece(0, code) + piece(2, b"PHONE_CODE_INVALID") + \
            piece(2, b"SESSION_PASSWORD_NEEDED")
    for type_id in (0xab03c6d9, 0xd9565c39, 0xf450f59b, 0xa416ac81):
        yield b"\0" + piece(0, struct.pack("<III", 0x5e002502, 0, type_id) +
                            bytes(24) + tail)
    kdf = struct.pack("<I", 0x3a912d4a) + tl_bytes(bytes(8)) * 2 + \
        struct.pack("<i", 3) + tl_bytes(b"\xc7" * 256)
    password = struct.pack("<II", 0x957b50fb, 4) + kdf + \
        tl_bytes(b"\x01" * 256) + struct.pack("<q", 7) + \
        struct.pack("<II", 0xd45ab096, 0x4a8537) + tl_bytes(b"")
    needed = piece(2, b"SESSION_PASSWORD_NEEDED")
    yield b"\1" + needed + piece(0, password) + piece(0, b"")
    token = struct.pack("<Ii", 0x629f1980, 30) + tl_bytes(bytes(32))
    scanned = struct.pack("<III", 0x78d4dec1, 0x564fe691, 0)
    moved = struct.pack("<Ii", 0x68e9916, 4) + tl_bytes(bytes(32))
    done = struct.pack("<I", 0x390d5c5e) + signed_in
    yield b"\1" + piece(0, token) + piece(3, scanned) + piece(0, moved) + \
        piece(0, done)
    yield b"\2" + piece(6, b"USER_MIGRATE_4") + piece(0, signed_in)
    yield b"\3" + piece(0, struct.pack("<II", 0xc3a2835f, 0))


def files():
    def piece(kind, part, b):
        return bytes([kind, part]) + struct.pack("<H", len(b)) + b

    def part(n, size):
        return piece(0, n, struct.pack("<III", 0x096a18d5, 0x40bc6f52, 1)
                     + tl_bytes(b"x" * size))

    yes = struct.pack("<I", 0x997275b5)
    whole = [part(n, 4096) for n in range(5)] + [part(5, 100)]
    for how in (0, 4, 12):
        yield bytes([how]) + b"".join(whole)
    for how in (2, 6):
        yield bytes([how]) + b"".join(whole[:4][::-1] + whole[4:])
    yield bytes([0]) + part(3, 0) + part(1, 4096) + part(0, 4096) + part(2, 9)
    yield bytes([1]) + b"".join(piece(0, n, yes) for n in range(6))
    for name in ("FLOOD_WAIT_5", "FLOOD_PREMIUM_WAIT_3", "INTERNAL",
                 "FILE_REFERENCE_EXPIRED"):
        yield bytes([4]) + piece(2, 0, name.encode()) + b"".join(whole)
    yield bytes([4]) + piece(10, 0, b"FILE_MIGRATE_4") + b"".join(whole)
    yield bytes([4]) + piece(3, 0, b"") + piece(4, 1, b"") + whole[0]
    yield bytes([0]) + piece(0, 0, struct.pack("<IiIIIII", 0xf18cda44, 203, 0,
                                               0, 0, 0x1cb5c415, 0))


def transport():
    body = struct.pack("<QQI", 0, 4 << 32, 20) + bytes(20)
    full = struct.pack("<II", len(body) + 12, 0) + body
    full += struct.pack("<I", zlib.crc32(full))
    n = struct.pack("<I", len(body))
    for mode in (0, 1, 2, 3, 0x80, 0x81, 0x82, 0x83):
        yield bytes([mode]) + b"\xef" + bytes([len(body) // 4]) + body
        yield bytes([mode]) + b"\xee\xee\xee\xee" + n + body
        yield bytes([mode]) + b"\xdd\xdd\xdd\xdd" + n + body
        yield bytes([mode]) + full
        yield bytes([mode]) + n + body


def service(constructor, fmt="", *args):
    return struct.pack("<I" + fmt, constructor, *args)


def session():
    """Records of fuzz_session.c: 1 asks, 2 reconnects, 4.. gives a message."""
    def give(body, refer=0, content=True):
        return bytes([0x14 if content else 0x04, len(body) // 4, refer]) + body

    ping = service(0x7abe77ec, "Q", 7)
    ok = struct.pack("<I", 0x997275b5)
    error = service(0x2144ca19, "iB3sI", 420, 3, b"abc", 0)[:12]
    inner = struct.pack("<QII", 5, 1, len(ping)) + ping
    packed = gzip.compress(ping * 10)
    packed = service(0x3072cfa1, "B", len(packed)) + packed
    packed += bytes(-len(packed) % 4)
    messages = [
        give(service(0xf35c6d01, "Q", 0) + ok, 1),
        give(service(0xf35c6d01, "Q", 0) + error, 1),
        give(service(0xf35c6d01, "Q", 0) + packed, 1),
        give(service(0x73f1f8dc, "I", 1) + inner, 0, False),
        give(packed),
        give(service(0x62d6b459, "IIQ", 0x1cb5c415, 1, 0), 3, False),
        give(service(0x347773c5, "QQ", 0, 0), 1, False),
        give(service(0x9ec20908, "QQQ", 0, 1, 2), 1),
        give(service(0xedab447b, "QIIQ", 0, 0, 48, 9), 1, False),
        *[give(service(0xa7eff811, "QII", 0, 0, code), 1, False)
          for code in (16, 17, 18, 20, 32, 35, 48, 64)],
        give(service(0xae500895, "QIIIIQ", 0, 5, 1, 1, 2000000000, 3), 1,
             False),
        give(service(0x276d3ec6, "QQII", 0, 5, 4, 0), 1, False),
        give(service(0x809db6df, "QII", 5, 4, 0), 0, False),
        give(service(0x7d861a08, "IIQ", 0x1cb5c415, 1, 0), 3, False),
        give(service(0xda69fb52, "IIQ", 0x1cb5c415, 1, 5), 0, False),
        give(service(0x04deb57d, "QBBH", 0, 1, 4, 0), 1, False),
        give(service(0x8cc0d131, "IIQBBH", 0x1cb5c415, 1, 0, 1, 4, 0), 3,
             False),
        give(ping), give(service(0xf3427b8c, "QI", 7, 75)),
        give(service(0x9299359f, "III", 0, 0, 0)),
        give(service(0xe22045fc, "Q", 1)), give(service(0xf660e1d4)),
        give(service(0xe06046b2) + inner),
    ]
    for m in messages:
        yield b"\1" + m
        yield b"\1\1" + m + b"\0\x50" + m + b"\2" + m + b"\3\0"
    yield b"\1" + b"".join(messages)


def faketls():
    data = b"\x17\3\3\0\4abcd"
    hello = b"\x16\3\3\0\x7a\2\0\0\x76\3\3" + bytes(116) + \
        b"\x14\3\3\0\1\1" + data
    yield b"\1" + data * 3
    yield b"\x31" + data + b"\x17\3\3\0\0" + data + b"\x15\3\3\0\2\2\x28"
    yield b"\0" + hello
    yield b"\x20" + hello + data
    key = "00112233445566778899aabbccddeeff"
    for text in (key, "dd" + key, "ee" + key + b"a.example".hex(),
                 "ABEiM0RVZneImaq7zN3u_w==", "7gARIjNEVWZ3iJmqu8zd7v9h"):
        yield text.encode()


def http():
    head = b"Host: a\r\nAuthorization: Bearer t\r\n"
    yield b"GET /api/v1/health HTTP/1.1\r\n" + head + b"\r\n"
    yield b"POST /api/v1/auth/login HTTP/1.1\r\n" + head + \
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    yield b"POST /x HTTP/1.1\r\n" + head + \
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    yield b"GET /a%20b?c=d&e=%C3%A9 HTTP/1.1\r\n" + head + \
        b"Connection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    yield b"POST /u HTTP/1.1\r\n" + head + \
        b"Content-Type: multipart/form-data; boundary=b\r\n" \
        b"Content-Length: 83\r\n\r\n--b\r\nContent-Disposition: form-data; " \
        b'name="file"; filename="f"\r\n\r\ndata\r\n--b--\r\n'


def multipart():
    yield b'--b\r\nContent-Disposition: form-data; name="file"; ' \
        b'filename="a.session"\r\nContent-Type: application/octet-stream' \
        b"\r\n\r\ndata\r\n--b--\r\n"


def wire():
    account = {"account_id": "9996610001", "epoch": 3, "status": "online",
               "user_id": 1, "state_since": "2026-01-01T00:00:00Z",
               "last_error": {"code": "X", "message": "m", "advice": "a"}}
    beat = {"boot_id": "b", "seq": 1, "full": True, "accounts": [account],
            "held": [{"account_id": "9996610001", "epoch": 3}],
            "released": [], "command_responses": []}
    answer = {"leases": [{"account_id": "9996610001", "epoch": 3,
                          "ttl_ms": 90000, "session": None}],
              "stop": [], "commands": []}
    for o in (beat, answer, account, {}, []):
        yield json.dumps(o).encode()


def journal():
    place = b"9996610001 1234 5 1790000000 17 3"
    wait = b"! alice-1 1790000005000000 -5 messages.sendMessage FLOOD_WAIT_5"
    yield b"\1" + place + b"\n" + wait + b"\n" + place.replace(b"34", b"99")
    yield b"\1a 1 2 3 4\na 0 0 0 0 2\n" + wait.replace(b"5 -5", b"9 0")
    yield b"\0" + place + b" deadbeef\n" + wait[:40]


def node():
    doc = {"server": "http://127.0.0.1:1", "node_id": "n", "token": "t",
           "heartbeat_us": 5000000, "lease_ttl_us": 90000000}
    yield b"\0" + json.dumps(doc).encode()
    yield b"\1" + b"09" * 32
    yield b"\2" + b"1790000000"
    yield b"\2" + str(2 ** 63 - 1).encode()
    env = {"api_id": 1, "api_hash": "h", "test_mode": False, "keys": [],
           "dcs": [{"id": 2, "address": "127.0.0.1", "port": 443}]}
    yield b"\3" + json.dumps(env).encode()
    yield b"\4" + json.dumps(session_document()).encode()


def tdata():
    for folder in ("tdata", "tdata-passcode", "broken/tdata-md5"):
        for f in sorted((DATA / "vectors/sessions" / folder).iterdir()):
            if f.is_file():
                yield b"\0" + f.read_bytes()
                yield b"\2" + f.read_bytes()[8:-16]
    key = struct.pack(">II", 1, 2) + bytes(range(256))
    yield b"\5" + struct.pack(">II", 777000, 2) + key
    yield b"\5" + struct.pack(">iiQI", -1, -1, 7770001259, 2) + key
    yield b"\4" + struct.pack(">II", 75, 8) + struct.pack(">II", 5, 2)


def proxy():
    reply = b"\5\0\0\1\1\2\3\4\1\xbb"
    yield b"\1\1" + b"\5\0" + reply + b"more"
    yield b"\3\1" + b"\5\2" + b"\1\0" + reply
    yield b"\3\xff" + b"\5\2" + b"\1\1"
    yield b"\1\0" + b"\5\0" + b"\5\5\0\3\4name\0\0"
    yield b"\0\7HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nmore"
    yield b"\2\xffHTTP/1.1 407 Proxy Authentication Required\r\n\r\n"


def text():
    for line in ("9996610001", "-5", "30s", "1d", "64k", "+49 (123) 45-67",
                 "2026-11-22T09:15:22.123456+01:00", "2026-11-22 09:15:22Z",
                 "127.0.0.1:80", "[::1]:443", "example.org:443", "alice-1",
                 "a%20b+c&d=%C3%A9&e", "Basic dXNlcjpwdw==", "Bearer xyz",
                 "00ff7f", "YWJj", "YWI=", "_-8", "äöü"):
        yield line.encode()


def session_document():
    return {"dc_id": 2, "server_address": "1.2.3.4", "port": 443,
            "auth_key": base64.b64encode(bytes(range(256))).decode(),
            "user_id": 1, "peers": [{"id": 1, "access_hash": 2,
                                     "type": "channel"}],
            "update_state": {"pts": 1, "qts": 2, "date": 3, "seq": 4}}


def worker():
    """Answers of a control plane, a NUL between them."""
    def lease(epoch, **more):
        return {"account_id": "9996610001", "epoch": epoch, "ttl_ms": 90000,
                "session": {"version": 1, "fingerprint": "ab" * 32,
                            "url": "/x"}, **more}

    def command(n, action, **params):
        return {"command_id": f"c{n}", "action": action, "params": {
            "account_id": "9996610001", **params}}

    def answer(**more):
        return json.dumps({"success": True, "node_id": "n1",
                           "heartbeat_interval": 30, "commands": [],
                           "leases": [], "stop": [], **more}).encode()

    place = {"epoch": 2, "pts": 5, "qts": 1, "date": 1790000000, "seq": 3,
             "channels": [{"id": 5, "access_hash": 6, "pts": 7}]}
    limits = [{"method": "messages.sendMessage", "error": "FLOOD_WAIT_5",
               "until": "2027-01-01T00:00:00Z", "peer": -5}]
    session = b"S" + json.dumps(session_document()).encode()
    granted = answer(leases=[lease(3, position=place, limits=limits)])
    yield granted + b"\0" + session + b"\0" + answer(
        leases=[lease(3)], commands=[
            command(1, "send_message", peer="self", text="hi", random_id=5),
            command(2, "stop_account"), command(3, "start_account"),
            command(4, "list_sessions"), command(5, "reload"),
            command(6, "unknown")])
    yield granted + b"\0" + session + b"\0" + answer() + b"\0" + granted
    yield granted + b"\0" + answer(leases=[lease(4)], full_wanted=True, stop=[
        {"account_id": "9996610001", "epoch": 3, "reason": "moved"}])


def settings():
    yield b"# comment\ntext: from-file\nnumber: 5\nsize: 1m\nwait: 2s\n"
    yield b"secret: \"a quoted one\"\nflag: yes\n"
    yield b"text: |\n  long\n  text\nnumber: [1]\n*x\n"


def http_answer():
    for a in (b"200 OK\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\n{}",
              b"429 No\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
              b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
              b"0\r\n\r\n", b"204 No Content\r\n\r\n",
              b"100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end"):
        yield b"\x14HTTP/1.1 " + a


def api_routes():
    """(method, path) of the control plane's tables."""
    for f in sorted(pathlib.Path("src/control").glob("api_*.c")):
        for m, prefix, path in re.findall(
                r'"(GET|POST|PATCH|DELETE|PUT)",\s*(API )?"([^"]+)"',
                f.read_text()):
            yield m, ("/api/v1" if prefix else "") + path


BODIES = {  # part of a path: what is asked there
    "/users": {"username": "bob", "password": "long enough 1",
               "role": "viewer"},
    "/accounts": {"account_id": "9996610001", "phone": "9996610001",
                  "name": "Ada", "group_ids": [-5], "attested": True,
                  "is_active": True},
    "/start": {"node_id": "n"}, "/move": {"node_id": "n"},
    "/workers": {"name": "n2", "labels": ["a"], "max_accounts": 5,
                 "drain": False},
    "/commands": {"action": "send_message", "params": {
        "account_id": "9996610001", "peer": "self", "text": "hi"}},
    "/broadcast": {"action": "reload", "params": {}},
    "/result": {"success": True, "data": {"a": 1}, "error": None},
    "/enroll": {"join_token": "t", "node_name": "n", "public_key": "CQ=="},
    "/join-tokens": {"node_name": "n", "ttl": "1h"},
    "/chat": {"account_id": "9996610001", "node_id": "n",
              "accounts": ["9996610001"], "force": True, "message": "hi"},
    "/login": {"username": "admin", "password": "x"},
    "/auto": {"strategy": "round_robin", "dry_run": True, "reallocate": True,
              "max_accounts_per_server": 5, "include_allocated": True,
              "move_running": True, "include_offline": True},
    "/batch": {"allocations": [{"account_id": "9996610001",
                                "server_id": "n1"}], "move_running": True},
    "/accounts/": {"pinned_node_id": "n1"},
}


def control():
    beat = {"boot_id": "b", "seq": 1, "full": True, "held": [], "accounts": [],
            "released": [], "command_responses": []}
    for method, path in api_routes():
        where = path.replace("{id}", "9996610001")
        line = f"{method} {where}\n".encode()
        yield line
        yield f"{method} {where}?page=2&page-size=5&q=a\n".encode()
        for part, body in BODIES.items():
            if part in path:
                yield line + json.dumps(body).encode()
                yield b"n" + line + json.dumps(body).encode()
    yield b"nPOST /api/v1/workers/heartbeat\n" + json.dumps(beat).encode()
    form = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    text = (DATA / "vectors/sessions/string/telethon.txt").read_bytes()
    for path in ("accounts/upload-session", "sessions/inspect"):
        yield b"POST /api/v1/group-ai/" + path.encode() + b"\n" + \
            form % (b"attested", b"") + b"true\r\n" + \
            form % (b"account_id", b"") + b"9996610001\r\n" + \
            form % (b"file", b'; filename="a.session"') + text + \
            b"\r\n--b--\r\n"


def dc_record(kind, body):
    n = len(body)
    return bytes([kind | (n & 7) << 5, n >> 3]) + body


def telethon_calls():
    """What a client says, as Telethon writes it (layer 144)."""
    try:
        from telethon.tl import functions as f, types as t
    except ImportError:
        return
    me, peer = t.InputPeerSelf(), t.InputPeerChat(1)
    channel = t.InputChannel(1, 2)
    yield from (bytes(c) for c in (
        f.updates.GetStateRequest(), f.updates.GetDifferenceRequest(1, 1, 1),
        f.updates.GetChannelDifferenceRequest(
            channel, t.ChannelMessagesFilterEmpty(), 1, 100),
        f.help.GetConfigRequest(), f.help.GetNearestDcRequest(),
        f.users.GetUsersRequest([t.InputUserSelf()]),
        f.users.GetFullUserRequest(t.InputUserSelf()),
        f.contacts.ResolveUsernameRequest("boris"),
        f.contacts.GetContactsRequest(0),
        f.messages.SendMessageRequest(me, "hi", random_id=5),
        f.messages.SendMessageRequest(peer, "äöü", random_id=6, silent=True),
        f.messages.EditMessageRequest(me, 1, message="ho"),
        f.messages.DeleteMessagesRequest([1, 2], revoke=True),
        f.messages.ForwardMessagesRequest(me, [1], me, random_id=[7]),
        f.messages.GetHistoryRequest(me, 0, None, 0, 10, 0, 0, 0),
        f.messages.GetDialogsRequest(None, 0, t.InputPeerEmpty(), 10, 0),
        f.messages.SearchRequest(me, "h", t.InputMessagesFilterEmpty(), None,
                                 None, 0, 0, 10, 0, 0, 0),
        f.messages.CreateChatRequest([t.InputUser(2, 3)], "group"),
        f.messages.ReadHistoryRequest(me, 1),
        f.messages.ExportChatInviteRequest(peer),
        f.messages.ImportChatInviteRequest("hash"),
        f.channels.CreateChannelRequest("c", "about", megagroup=True),
        f.channels.GetChannelsRequest([channel]),
        f.channels.GetFullChannelRequest(channel),
        f.channels.JoinChannelRequest(channel),
        f.channels.GetParticipantsRequest(
            channel, t.ChannelParticipantsRecent(), 0, 10, 0),
        f.upload.SaveFilePartRequest(1, 0, b"data"),
        f.upload.SaveBigFilePartRequest(1, 0, 2, b"data"),
        f.messages.SendMediaRequest(
            me, t.InputMediaUploadedDocument(
                t.InputFile(1, 1, "a.txt", ""), "text/plain",
                [t.DocumentAttributeFilename("a.txt")]), "m", random_id=8),
        f.upload.GetFileRequest(
            t.InputDocumentFileLocation(1, 2, b"ref", ""), 0, 4096),
        f.auth.SendCodeRequest("9996610001", 1, "h", t.CodeSettings()),
        f.auth.SignInRequest("9996610001", "hash", "66666"),
        f.auth.LogOutRequest(), f.account.GetPasswordRequest(),
        f.auth.CheckPasswordRequest(t.InputCheckPasswordSRP(1, b"A", b"M")),
        f.auth.ExportLoginTokenRequest(1, "h", []),
        f.auth.ImportBotAuthorizationRequest(0, 1, "h", "1:x"),
        f.auth.ExportAuthorizationRequest(2),
        f.account.GetAuthorizationsRequest(),
        f.account.ResetAuthorizationRequest(5),
        f.auth.BindTempAuthKeyRequest(1, 2, 3, b"x" * 40)))


def dc():
    calls = list(telethon_calls())
    for c in calls:
        yield b"\1" + dc_record(7, c)
    yield b"\1" + b"".join(dc_record(7, c) for c in calls[:12])
    yield b"\0" + b"".join(dc_record(7, c) for c in calls[-11:])
    for v in vectors("vectors/tl_223.json")["vectors"]:
        b = bytes.fromhex(v["hex"])
        if len(b) <= 2040:
            yield b"\1" + dc_record(4, b)
    for s in session():
        if len(s) < 2000:
            yield b"\1" + dc_record(2, s[4:] + bytes(-len(s) % 4))
    for m in handshake_messages():
        if len(m) <= 2040:
            yield b"\0" + dc_record(1, m)


def dc_admin():
    ada, boris = "9996610001", "9996610002"
    send = "messages.sendMessage"
    for path, body in (
            ("/users", {"phone": "9996630006", "username": "far_friend",
                        "first_name": "Ada", "home_dc": 2}),
            ("/users", {"phone": ada, "password": "geheim", "hint": "h"}),
            ("/chats", {"title": "Far", "members": [ada, boris]}),
            ("/channels", {"title": "C", "creator": ada, "megagroup": True,
                           "username": "chan", "members": [boris]}),
            ("/messages", {"from": boris, "to": ada, "text": "bulk",
                           "count": 3}),
            ("/sessions/revoke", {"phone": ada}),
            ("/authkeys", {"count": 3, "first": 1, "phone_prefix": "999661"}),
            ("/bots", {"username": "echo_bot", "first_name": "Echo",
                       "home_dc": 2}),
            ("/files/expire", {}),
            ("/faults", {"kind": "delay", "phone": ada, "method": send,
                         "value": 5, "count": 2}),
            ("/faults", {"kind": "lose", "count": 4}),
            ("/faults", {"kind": "none"}),
            ("/rules", {"rules": [{"method": send, "budget": 1, "per": 60,
                                   "scope": "peer", "error": "FLOOD_WAIT"}]}),
            ("/accounts/state", {"phone": ada, "state": "frozen"})):
        yield f"POST {path}\n".encode() + json.dumps(body).encode()
    for path in ("/counters", "/accounts", "/sessions"):
        yield f"GET {path}\n".encode()


def dc_store():
    """Rows: a table's number, then a value a column."""
    def value(v):
        if v is None:
            return b"\0"
        if isinstance(v, int) and 0 <= v < 32:
            return bytes([1 | v << 3])
        if isinstance(v, int):
            return b"\3" + struct.pack("<q", v)
        if v == bytes(256):
            return b"\4"
        kind = 5 if isinstance(v, bytes) else 6
        v = v if isinstance(v, bytes) else v.encode()
        return bytes([kind | len(v) << 3]) + v

    def row(table, *values):
        return bytes([table]) + b"".join(map(value, values))

    now = 1790000000
    ada = row(1, 1, "9996610001", "Ada", "L", "ada", 1)
    boris = row(1, 2, "9996610002", "Boris", "", None, 2)
    chat = row(4, 3, 1, now, 2, "group") + row(5, 3, 0, 1, 1, now) + \
        row(5, 3, 1, 2, 1, now)
    bodies = row(6, 1, 1, now, 0, "hi") + row(6, 2, 2, now, 0, "ho")
    events = b"".join(row(7, o, p, 0, 2, p, p, 1, 5 + p)
                      for o in (1, 2) for p in (1, 2))
    extra = row(8, 2, now, 1, now, 1, 0, 7, 1)
    channel = row(9, 9, 1, now, 3, 10, "c", "about", "chan", "hash") + \
        row(10, 9, 1, 1, now, 31, 0, 1, 1, "boss") + \
        row(11, 9, 1, 0, 1, 1, 5) + row(11, 9, 2, 1, 1, 1, 6)
    file = row(12, 7, 8, 0, now, "a.txt", "text/plain", b"data")
    key = row(13, 5, 1, bytes(256), 1, 1, 223, now, 99, "d", "a", 1)
    rest = row(2, 1, b"salt1", b"salt2", b"v", "hint") + row(3, 2, "1:x") + \
        row(0, "rsa", b"none")
    yield b"\1" + ada + boris + chat + bodies + events
    yield b"\1" + ada + boris + channel + bodies + file + extra + key + rest
    yield b"\1" + b"".join((ada, boris, chat, bodies, events, extra, channel,
                            file, key, rest))
    for one in (ada, chat, bodies, events, extra, channel, file, key, rest):
        yield b"\1" + one
    yield b"\0SQLite format 3\0" + bytes(100)


def script():
    yield b"schema: 2\nscript_id: a\nversion: \"1\"\nscenes:\n  - {id: b}\n"
    yield b"script_id: a\nscenes: {a: {x: [1, 'y']}, b: {}}\nsteps: [1]\n"
    yield b"{\"timeline\": [{\"role\": \"a\"}], \"script_id\": \"\xe5\x89\xa7\"}"
    yield b"%TAG ! x:\n---\na: &b !c [*b]\n? [x]\n: |\n  y\n...\n---\nz: \"\\0\"\n"
    yield b"a: 1\na: 2\n\xff"


# a target's name: its seeds
SEEDS = {"config": settings, "control": control, "dc": dc,
         "dc_admin": dc_admin, "dc_store": dc_store, "engine": engine,
         "envelope": envelope, "faketls": faketls, "filemove": files,
         "handshake": handshake,
         "heartbeat": wire, "http_answer": http_answer, "http_request": http,
         "journal": journal, "json": wire, "multipart": multipart,
         "node": node, "proxy": proxy, "scenario": scenario,
         "script": script,
         "sessfile": sessfile,
         "session": session, "signin": signin, "tdata": tdata, "text": text,
         "tl": tl, "transport": transport, "worker": worker}


def main(root):
    for target in sorted(pathlib.Path("test/fuzz").glob("fuzz_*.c")):
        name = target.stem.removeprefix("fuzz_")
        if name == "main":
            continue
        make = SEEDS.get(name)
        out = pathlib.Path(root) / name
        out.mkdir(parents=True, exist_ok=True)
        for seed in make() if make else []:
            path = out / hashlib.sha1(seed).hexdigest()
            if not path.exists():
                path.write_bytes(seed)


main(sys.argv[1])
