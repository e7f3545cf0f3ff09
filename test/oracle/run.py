#!/usr/bin/env python3
"""Session files and strings, as the programs that use them write and read them.

    test/oracle/run.py [WORDS...]     only checks whose names have one of the words

Each check takes a session through a stranger's library: what we write it opens and
finds the same in; what it writes we open.  The libraries are pinned and fetched
into build/oracle; one that cannot be had is skipped, and said so.  The last line is
"N passed, N failed, N skipped".
"""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "oracle"
BIN = os.environ.get("TGFLEET_BIN", str(ROOT / "build" / "release" / "tgfleet"))
VECTORS = ROOT / "test" / "data" / "vectors" / "sessions"
RICH = VECTORS / "pyrogram" / "kurigram-v5.session"

MARK = 10 ** 12
ADA, BOT, GROUP = 7770001259, 93372553, -123456
CHANNEL, SUPER = -MARK - 1234567890, -MARK - 9876543210
# What the strangers write, and what we make of it.
WANT = {
    "dc_id": 2, "server_address": "149.154.167.51", "port": 443,
    "key": hashlib.shake_256(b"oracle").hexdigest(256),
    "user_id": ADA, "api_id": 12345, "is_bot": False, "test_mode": False,
    "peers": [
        {"id": ADA, "hash": 6430865063560898627, "type": "user",
         "name": "Ada", "username": "owner_name", "usernames": ["owner_name"],
         "phone": "9996621234"},
        {"id": BOT, "hash": -5242601776382312230, "type": "bot", "bot": True,
         "name": "Father", "username": "botfather",
         "usernames": ["botfather"]},
        {"id": GROUP, "hash": 0, "type": "group", "name": "Group"},
        {"id": CHANNEL, "hash": -3806081602653604163, "type": "channel",
         "name": "Kanal", "username": "kanal",
         "usernames": ["kanal", "kanal2"]},
        {"id": SUPER, "hash": 4757622872440260297, "type": "supergroup",
         "name": "Super"},
    ],
    "state": [1234, 5, 1790000000, 17], "channels": {"1234567890": 99},
}
IDS = [str(p["id"]) for p in WANT["peers"]]
HASHES = {str(p["id"]): p["hash"] for p in WANT["peers"]}


class Skip(Exception):
    pass


def out(argv, give=None, **kw):
    got = subprocess.run([str(a) for a in argv], input=give, text=True,
                         capture_output=True, timeout=300, **kw)
    assert got.returncode == 0, f"{argv}: {got.stderr[-600:]}"
    return got.stdout


# --- the strangers ---

class Python:
    """A package in an environment of its own; spec None is the system's."""

    def __init__(self, name, spec, probe):
        self.name, self.spec, self.probe = name, spec, HERE / probe
        self.python = None

    def get(self):
        if self.python:
            return
        if not self.spec:
            python = pathlib.Path("/usr/bin/python3")
            if subprocess.run([python, "-c", "import telethon"],
                              capture_output=True).returncode:
                raise Skip("python3-telethon is not installed")
            self.python = python
            return
        folder = BUILD / self.spec.replace("==", "-")
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                venv.create(folder, with_pip=True)
            except subprocess.CalledProcessError as e:
                raise Skip("python3-venv and pip are needed") from e
            got = subprocess.run(
                [folder / "bin" / "python", "-m", "pip", "install", "-q",
                 "--disable-pip-version-check", self.spec],
                capture_output=True, text=True)
            if got.returncode:
                raise Skip(f"pip cannot install {self.spec} here")
            (folder / "ready").touch()
        self.python = folder / "bin" / "python"

    def __call__(self, *args, give=None):
        self.get()
        return json.loads(out([self.python, self.probe, *args],
                              give and json.dumps(give)))


class Node:
    name = "@mtcute/convert 0.29.7"

    def get(self):
        lock, seen = HERE / "package-lock.json", HERE / "node_modules/.seen"
        if seen.exists() and seen.read_text() == lock.read_text():
            return
        if not shutil.which("npm"):
            raise Skip("node and npm (>= 20) are needed")
        got = subprocess.run(
            ["npm", "ci", "--prefix", HERE, "--ignore-scripts", "--no-audit",
             "--no-fund", "--silent"], capture_output=True, text=True)
        if got.returncode:
            raise Skip("npm cannot install @mtcute/convert here")
        seen.write_text(lock.read_text())

    def __call__(self, *args, give=None):
        self.get()
        return json.loads(out(["node", HERE / "convert.mjs", *args],
                              give and json.dumps(give)))


DEBIAN = Python("Debian's Telethon", None, "telethon_probe.py")
TELETHON = Python("Telethon 1.45.0", "telethon==1.45.0", "telethon_probe.py")
PYROGRAM = Python("Pyrogram 2.0.106", "pyrogram==2.0.106",
                  "pyrogram_probe.py")
PYROFORK = Python("Pyrofork 2.3.69", "pyrofork==2.3.69", "pyrogram_probe.py")
KURIGRAM = Python("Kurigram 2.2.26", "kurigram==2.2.26", "pyrogram_probe.py")
KURIGRAM6 = Python("Kurigram 2.1.35", "kurigram==2.1.35", "pyrogram_probe.py")
CONVERT = Node()


# --- we ---

def convert(source, target, to, *more):
    out([BIN, "session", "convert", source, target, "--to", to, *more])
    return target


def inspect(path, env=None):
    return json.loads(out([BIN, "session", "inspect", path, "--json"],
                          env={**os.environ, **(env or {})}))[0]


def fingerprint(key_hex):
    return hashlib.sha256(bytes.fromhex(key_hex)).hexdigest()


def key_of(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("select auth_key from sessions").fetchone()[0].hex()


def rows(path, sql):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def schema(path):
    """As programs would compare it: names, types and order, not the spaces."""
    return sorted((t, n, re.sub(r"\s+|IFNOTEXISTS", "", sql.upper()
                                .replace("IF NOT EXISTS", "")))
                  for t, n, sql in rows(
                      path, "select type, name, sql from sqlite_master "
                      "where sql is not null"))


def same(got, want, what):
    assert got == want, f"{what}: {got!r}, not {want!r}"


def check_account(got, want, *names):
    for n in ("dc_id", *names):
        same(got[n], want[n], n)


CHECKS = []


def check(name):
    def add(fn):
        CHECKS.append((name, fn))
        return fn
    return add


# --- Telethon ---

def telethon_reads(lib, to, tmp):
    """Ours, in its version `to`; older ones it brings up to its own."""
    ours = convert(RICH, tmp / "a.session", to)
    got = lib("read", ours, *IDS)
    same(got["key"], key_of(RICH), "key")
    check_account(got, WANT, "server_address", "port")
    # from 5 to 6 Telethon drops all peers itself
    old = to.endswith("v5")
    here = {} if old else {i: HASHES[i] for i in
                           (str(ADA), str(BOT), str(CHANNEL))}
    same(sorted(got["peers"]), sorted(here), "peers")
    same(got["by_username"], {} if old else
         {"owner_name": ADA, "kanal": CHANNEL}, "usernames")
    same(got["state"], WANT["state"], "state")
    same(got["channels"], WANT["channels"], "channels")
    if not old and to != "telethon-v6":
        same(got["self"], ADA, "own id")
    back = inspect(ours)
    same(back["fingerprint"], fingerprint(key_of(RICH)), "read again")
    return got


for lib_, versions in ((DEBIAN, (5, 6, 7)), (TELETHON, (5, 6, 7, 8))):
    for v in versions:
        check(f"{lib_.name} opens our version {v}")(
            lambda tmp, lib=lib_, v=v:
            telethon_reads(lib, f"telethon-v{v}", tmp))


def telethon_writes(lib, version, tmp):
    theirs = tmp / "b.session"
    lib("write", theirs, give=WANT)
    got = inspect(theirs)
    check_account(got, WANT, "server_address", "port")
    same(got["version"], version, "version")
    same(got["fingerprint"], fingerprint(WANT["key"]), "key")
    same((got["peers"], got["update_states"]), (5, 2), "peers and states")
    ours = convert(theirs, tmp / "c.session", f"telethon-v{version}")
    same(schema(ours), schema(theirs), "schema")
    for sql in ("select id, hash, username, cast(phone as text), name "
                "from entities order by id",
                "select id, pts, qts, seq from update_state order by id"):
        same(rows(ours, sql), rows(theirs, sql), sql)
    again = lib("read", ours, *IDS)
    same(again["peers"], lib("read", theirs, *IDS)["peers"], "peers")
    kurigram = convert(theirs, tmp / "d.session", "kurigram-v7",
                       "--user-id", ADA)
    same(dict(rows(kurigram, "select id, access_hash from peers")),
         {int(i): h for i, h in HASHES.items()}, "peers elsewhere")
    same(rows(kurigram, "select id, pts from update_state order by id"),
         [(CHANNEL, 99), (0, 1234)], "states elsewhere")


for lib_, v in ((DEBIAN, 7), (TELETHON, 8)):
    check(f"we open what {lib_.name} writes")(
        lambda tmp, lib=lib_, v=v: telethon_writes(lib, v, tmp))


def telethon_strings(lib, tmp):
    for source in (RICH, VECTORS / "telethon" / "ipv6-dc4.session"):
        text = convert(source, tmp / source.stem,
                       "telethon-string").read_text().strip()
        got = lib("string", text)
        same(got["key"], key_of(source), "key")
        same(got["again"], text, "its own string")


for lib_ in (DEBIAN, TELETHON):
    check(f"{lib_.name} opens our strings")(
        lambda tmp, lib=lib_: telethon_strings(lib, tmp))


# --- Pyrogram and forks ---

def pyrogram_reads(lib, to, tmp):
    ours = convert(RICH, tmp / "a.session", to)
    full = convert(RICH, tmp / "full", "pyrogram-string").read_text().strip()
    got = lib("read", tmp, "a", *IDS)
    same(got["key"], key_of(RICH), "key")
    check_account(got, WANT, "user_id")
    same(bool(got["is_bot"]), False, "is_bot")
    same(bool(got["test_mode"]), False, "test_mode")
    if to != "pyrogram-v2":
        same(got["api_id"], WANT["api_id"], "api_id")
        same(got["string"], full, "its string and ours")
    same(got["peers"], {i: h for i, h in HASHES.items()
                        if int(i) in (ADA, BOT, CHANNEL)}, "peers")
    same(got["by_phone"], {"9996621234": ADA}, "by phone")
    # a username of Pyrogram's own table means nothing to Kurigram
    moved = lib in (KURIGRAM, KURIGRAM6) and to.startswith("pyrogram")
    more = to.startswith(("kurigram", "pyrofork"))
    names = {"owner_name": ADA, "kanal": CHANNEL}
    same(got["by_username"], {} if moved else
         {**names, "kanal2": CHANNEL} if more else names, "usernames")
    if to in ("kurigram-v5", "kurigram-v6", "kurigram-v7", "pyrofork"):
        same(got["states"]["0"], WANT["state"], "state")
        same(got["states"][str(CHANNEL)][0], 99, "state of the channel")
    if "server_address" in got:
        check_account(got, WANT, "server_address", "port")
    back = inspect(ours)
    same(back["fingerprint"], fingerprint(key_of(RICH)), "read again")
    same((back["user_id"], back["peers"]), (ADA, 3), "read again")


for lib_, targets in (
        (PYROGRAM, ("pyrogram-v2", "pyrogram-v3")),
        (PYROFORK, ("pyrogram-v2", "pyrogram-v3", "pyrofork")),
        (KURIGRAM6, ("pyrogram-v3", "kurigram-v4", "kurigram-v5",
                     "kurigram-v6")),
        (KURIGRAM, ("pyrogram-v2", "pyrogram-v3", "kurigram-v4",
                    "kurigram-v5", "kurigram-v6", "kurigram-v7"))):
    for to_ in targets:
        check(f"{lib_.name} opens our {to_}")(
            lambda tmp, lib=lib_, to=to_: pyrogram_reads(lib, to, tmp))


def pyrogram_writes(lib, to, tmp):
    wrote = lib("write", tmp, "b", give=WANT)
    theirs = tmp / "b.session"
    got = inspect(theirs)
    check_account(got, WANT, "user_id", "api_id", "is_bot", "test_mode")
    same(got["flavour"], "pyrogram-sqlite", "flavour")
    same(got["version"], wrote["version"], "version")
    same(got["fingerprint"], fingerprint(WANT["key"]), "key")
    same(got["peers"], 5, "peers")
    ours = convert(theirs, tmp / "c.session", to)
    same(schema(ours), schema(theirs), "schema")
    tables = {n for t, n, _ in schema(ours) if t == "TABLE" or t == "table"}
    for sql in ("select * from version",
                "select id, access_hash, type, phone_number from peers "
                "order by id",
                "select * from usernames order by 1, 2",
                "select id, pts, qts, seq from update_state order by id"):
        table = sql.split(" from ")[1].split()[0]
        if table not in tables:
            continue
        if table == "usernames" and to == "pyrofork":
            sql = "select id, peer_id from usernames order by 1, 2"
        same(rows(ours, sql), rows(theirs, sql), sql)
    text = convert(theirs, tmp / "s", "pyrogram-string").read_text().strip()
    same(text, wrote["string"], "string")
    (tmp / "t").write_text(wrote["string"])
    same(inspect(tmp / "t")["fingerprint"], got["fingerprint"], "its string")


for lib_, to_ in ((PYROGRAM, "pyrogram-v3"), (PYROFORK, "pyrofork"),
                  (KURIGRAM6, "kurigram-v6"), (KURIGRAM, "kurigram-v7")):
    check(f"we open what {lib_.name} writes")(
        lambda tmp, lib=lib_, to=to_: pyrogram_writes(lib, to, tmp))


def pyrogram_strings(lib, tmp):
    small = tmp / "small"
    convert(VECTORS / "string" / "pyrogram_263.txt", small, "pyrogram-v3")
    for chars, source in ((351, small), (356, RICH), (362, RICH)):
        path = convert(source, tmp / f"s{chars}", f"pyrogram-string-{chars}")
        text = path.read_text().strip()
        same(len(text), chars, "length")
        got = lib("string", text)
        same(got["key"], key_of(source), "key")
        same((got["dc_id"], bool(got["test_mode"]), bool(got["is_bot"])),
             (2, False, False), "account")
        same(got["user_id"], 777000 if source == small else ADA, "user_id")


for lib_ in (PYROGRAM, PYROFORK, KURIGRAM):
    check(f"{lib_.name} opens our strings of all lengths")(
        lambda tmp, lib=lib_: pyrogram_strings(lib, tmp))


# --- @mtcute/convert ---

HOLDS = {  # beyond data centre and key
    "telethon": ("server_address", "port"),
    "gramjs": ("server_address", "port"),
    "pyrogram": ("user_id", "is_bot", "test_mode", "api_id"),
    "mtkruto": ("test_mode",),
    "mtcute": ("server_address", "port", "user_id", "is_bot", "test_mode"),
}
VARIANTS = {
    "": {},
    " of a bot": {"is_bot": True},
    " of the test servers": {"test_mode": True,
                             "server_address": "149.154.167.40"},
    " over IPv6": {"server_address": "2001:67c:4e8:f002::a"},
}


def string_both_ways(kind, change, tmp):
    want = {**WANT, **change}
    theirs = CONVERT("make", kind, give=want)["text"]
    (tmp / "theirs").write_text(theirs)
    got = inspect(tmp / "theirs")
    same(got["flavour"], f"{kind}-string", "flavour")
    same(got["fingerprint"], fingerprint(want["key"]), "key")
    check_account(got, want, *HOLDS[kind])
    # ours of it, and ours from a database
    again = convert(tmp / "theirs", tmp / "ours", f"{kind}-string")
    same(again.read_text().strip(), theirs, "written again")
    seen = CONVERT("parse", kind, theirs)
    check_account(seen, want, "key", *HOLDS[kind])
    same(seen["again"], theirs, "written again by it")


for kind_ in HOLDS:
    for suffix, change_ in VARIANTS.items():
        if "address" in str(change_) and kind_ in ("pyrogram", "mtkruto") \
                and "test_mode" not in change_:
            continue
        if "is_bot" in change_ and "is_bot" not in HOLDS[kind_]:
            continue
        if "test_mode" in change_ and "test_mode" not in HOLDS[kind_]:
            continue
        check(f"@mtcute/convert and we: a {kind_} string{suffix}")(
            lambda tmp, kind=kind_, change=change_:
            string_both_ways(kind, change, tmp))


@check("@mtcute/convert takes our strings through all forms and back")
def _(tmp):
    order = ["telethon", "gramjs", "mtcute", "mtkruto", "pyrogram"]
    first = RICH
    for n, kind in enumerate(order):
        path = convert(first, tmp / str(n), f"{kind}-string",
                       "--user-id", ADA)
        got = CONVERT("parse", kind, path.read_text().strip())
        same(got["key"], key_of(RICH), f"{kind}: key")
        same(got["dc_id"], 2, f"{kind}: dc")
        (tmp / f"{n}t").write_text(got["through"])
        same(inspect(tmp / f"{n}t")["fingerprint"],
             fingerprint(key_of(RICH)), f"{kind}: through it")
        first = tmp / f"{n}t"


def tdata(passcode, user, tmp):
    want = {**WANT, "user_id": user}
    CONVERT("tdata", tmp / "tdata", passcode, give=want)
    got = inspect(tmp / "tdata", {"TGFLEET_PASSCODE": passcode})
    same(got["flavour"], "tdata", "flavour")
    same(got["user_id"], user, "user_id")
    same(got["fingerprint"], fingerprint(want["key"]), "key")
    same(got["dc_id"], 2, "dc")
    env = {**os.environ, "TGFLEET_PASSCODE": passcode}
    out([BIN, "session", "convert", tmp / "tdata", tmp / "m", "--to",
         "mtcute-string"], env=env)
    seen = CONVERT("parse", "mtcute", (tmp / "m").read_text().strip())
    check_account(seen, want, "key", "user_id")
    wrong = subprocess.run(
        [BIN, "session", "inspect", tmp / "tdata"], capture_output=True,
        env={**os.environ, "TGFLEET_PASSCODE": "not " + passcode})
    assert wrong.returncode == 1, "a wrong passcode opens it"


for passcode_ in ("", "test", "ö€ long passcode"):
    for user_ in (777000, ADA):
        check(f"tdata of @mtcute/convert, "
              f"{'passcode' if passcode_ else 'no passcode'} "
              f"{len(passcode_)}, user {user_}")(
            lambda tmp, p=passcode_, u=user_: tdata(p, u, tmp))


# --- running ---

def main(words):
    passed = failed = skipped = 0
    for name, fn in CHECKS:
        if words and not any(w in name for w in words):
            continue
        tmp = pathlib.Path(tempfile.mkdtemp(prefix="oracle-"))
        try:
            fn(tmp)
            passed += 1
            print(f"ok   oracle: {name}", flush=True)
        except Skip as why:
            skipped += 1
            print(f"skip oracle: {name}: {why}", flush=True)
        except Exception as e:  # whatever a check dies of, it failed
            failed += 1
            print(f"FAIL oracle: {name}: {type(e).__name__}: {e}", flush=True)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
