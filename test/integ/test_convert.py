"""`tgfleet session convert`: what it writes, the programs themselves open.

Debian's Telethon is here; the others and newer ones are in test/oracle.
"""
import datetime
import hashlib
import re
import sqlite3
import stat

import pytest

from fleet import ROOT, cli, run

VECTORS = ROOT / "test" / "data" / "vectors" / "sessions"
SQLITE = ["telethon/v6.session", "telethon/v7.session", "telethon/v8.session",
          "telethon/ipv6-dc4.session"]


def convert(source, target, to, *more, status=0):
    got = cli("session", "convert", VECTORS / source, target, "--to", to,
              *more, status=status)
    assert not got.stdout
    if not status:
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return got


def key_of(source):
    db = sqlite3.connect(VECTORS / source)
    (key,) = db.execute("select auth_key from sessions").fetchone()
    db.close()
    return key


def tables(path):
    """The schema, as the program that made it would compare it."""
    db = sqlite3.connect(path)
    rows = db.execute("select type, name, sql from sqlite_master "
                      "where sql is not null order by name").fetchall()
    db.close()
    return [(t, n, re.sub(r"\s+", "", sql).lower()) for t, n, sql in rows]


@pytest.mark.parametrize("source", SQLITE)
def test_telethon_opens_its_file(source, tmp_path):
    sessions = pytest.importorskip("telethon.sessions")
    fresh = sessions.SQLiteSession(str(tmp_path / "fresh"))
    fresh.save()
    fresh.close()
    convert(source, tmp_path / "new.session", "telethon")
    assert tables(tmp_path / "new.session") == tables(
        tmp_path / "fresh.session")
    s = sessions.SQLiteSession(str(tmp_path / "new"))
    assert s.auth_key.key == key_of(source)
    if source == "telethon/v7.session":
        assert (s.dc_id, s.server_address, s.port) == (
            2, "149.154.167.51", 443)
        peer = s.get_input_entity("owner_name")
        assert peer.user_id == 7770001259
        assert peer.access_hash == 6430865063560898627
        assert s.get_input_entity(-1001234567890).channel_id == 1234567890
        state = s.get_update_state(0)
        assert (state.pts, state.qts, state.seq) == (1234, 5, 17)
        assert s.get_update_state(1234567890).pts == 99
    s.close()


@pytest.mark.parametrize("version", [5, 6, 7])
def test_telethon_brings_older_files_up(version, tmp_path):
    sessions = pytest.importorskip("telethon.sessions")
    out = tmp_path / "old.session"
    convert("telethon/v7.session", out, f"telethon-v{version}")
    db = sqlite3.connect(out)
    assert db.execute("select version from version").fetchone() == (version,)
    db.close()
    s = sessions.SQLiteSession(str(out))
    assert s.auth_key.key == key_of("telethon/v7.session")
    assert (s.dc_id, s.port) == (2, 443)
    assert s.get_update_state(0).pts == 1234
    if version > 5:  # Telethon drops the peers of version 5 itself
        assert s.get_input_entity("owner_name").user_id == 7770001259
    s.close()
    db = sqlite3.connect(out)
    assert db.execute("select version from version").fetchone() == (7,)
    db.close()


def test_what_telethon_leaves_behind_is_read(tmp_path):
    """It dates channels with the time of its end, fractions and all."""
    sessions = pytest.importorskip("telethon.sessions")
    from telethon.crypto import AuthKey
    from telethon.tl import types

    s = sessions.SQLiteSession(str(tmp_path / "t"))
    s.set_dc(4, "149.154.167.91", 443)
    s.auth_key = AuthKey(bytes(range(256)))
    now = datetime.datetime(2026, 11, 1, 1, 2, 3, 456789)
    s.set_update_state(0, types.updates.State(7, 3, now, 2, 0))
    s.set_update_state(1234567890, types.updates.State(8, 0, now, 0, 0))
    s.save()
    s.close()
    out = tmp_path / "k.session"
    cli("session", "convert", tmp_path / "t.session", out, "--to", "kurigram",
        "--user-id", "5")
    db = sqlite3.connect(out)
    rows = db.execute("select id, pts, qts, seq from update_state "
                      "order by id").fetchall()
    assert rows == [(-1001234567890, 8, None, None), (0, 7, 3, 2)]
    db.close()


def test_telethon_opens_its_string(tmp_path):
    sessions = pytest.importorskip("telethon.sessions")
    for source, to in (("telethon/v7.session", "telethon-string"),
                       ("telethon/ipv6-dc4.session", "telethon-string")):
        out = tmp_path / source.replace("/", "-")
        convert(source, out, to)
        s = sessions.StringSession(out.read_text().strip())
        assert s.auth_key.key == key_of(source)
        # Telethon's own writer agrees to the byte
        assert s.save() == out.read_text().strip()


def test_pyrogram_file_has_what_pyrogram_asks_for(tmp_path):
    out = tmp_path / "p.session"
    got = convert("telethon/v7.session", out, "pyrogram", status=1)
    assert "--user-id" in got.stderr and not out.exists()
    convert("telethon/v7.session", out, "pyrogram", "--user-id", "7770001259")
    db = sqlite3.connect(out)
    row = db.execute("select dc_id, api_id, test_mode, auth_key, user_id, "
                     "is_bot from sessions").fetchone()
    assert row == (2, None, 0, key_of("telethon/v7.session"), 7770001259, 0)
    peers = dict(db.execute("select id, type from peers").fetchall())
    assert peers[-1001234567890] == "channel" and peers[-123456] == "group"
    assert db.execute("select number from version").fetchone() == (3,)
    # the trigger Pyrogram relies on to keep last_update_on
    db.execute("update peers set username = 'x', last_update_on = 1 "
               "where id = 93372553")
    assert db.execute("select last_update_on from peers where id = 93372553"
                      ).fetchone()[0] > 1
    db.close()


@pytest.mark.parametrize("to", ["pyrogram", "pyrogram-v2", "kurigram-v4",
                                "kurigram-v7", "pyrofork", "telethon-v8",
                                "telethon-string", "gramjs-string",
                                "pyrogram-string", "pyrogram-string-356",
                                "mtcute-string", "mtkruto-string"])
def test_there_and_back(to, tmp_path):
    source = "pyrogram/v3.session"
    convert(source, tmp_path / "there", to)
    got = cli("session", "inspect", tmp_path / "there", "--json")
    assert hashlib.sha256(key_of(source)).hexdigest() in got.stdout
    cli("session", "convert", tmp_path / "there", tmp_path / "back",
        "--to", "telethon")
    assert key_of(tmp_path / "back") == key_of(source)


def test_what_stays_behind_is_said(tmp_path):
    source = "pyrogram/kurigram-v5.session"
    got = convert(source, tmp_path / "a", "gramjs-string")
    assert ("left out, as gramjs-string holds none: the user id, the api_id, "
            "3 peers, the place in the updates, 1 place in a channel"
            ) in got.stderr
    assert not convert(source, tmp_path / "b", "kurigram-v7").stderr


WAYS = [["telethon-v5"], ["telethon-v6"], ["telethon-v7"],
        ["telethon-string"], ["gramjs-string", "telethon"],
        ["mtcute-string", "telethon-string"],
        ["kurigram-v7", "telethon"],
        ["telethon-v8", "mtcute-string", "gramjs-string", "telethon-string"]]


def test_telethon_goes_on_with_what_was_converted(dc, tmp_path):
    """Signed in once; through every format that holds an address, it still is."""
    pytest.importorskip("telethon")
    from telethon.sessions import StringSession
    from telethon_aim import client, sign_in

    async def first():
        c = client(dc, tmp_path / "first")
        me = await sign_in(c, "9996610001")
        await c.send_message("me", "before")
        await c.get_dialogs()
        await c.disconnect()
        return me.id

    async def then(way, n):
        at = tmp_path / "first.session"
        for k, to in enumerate(way):
            out = tmp_path / f"{n}-{k}.session"
            cli("session", "convert", at, out, "--to", to, "--user-id",
                str(user_id))
            at = out
        session = (StringSession(at.read_text().strip())
                   if way[-1].endswith("string") else at)
        c = client(dc, session)
        await c.connect()
        assert await c.is_user_authorized()
        me = await c.get_me()
        assert me.id == user_id
        await c.send_message("me", f"by way of {way}")
        got = await c.get_messages("me", limit=2)
        assert got[0].message == f"by way of {way}"
        await c.disconnect()

    user_id = run(first())
    for n, way in enumerate(WAYS):
        run(then(way, n))
    assert dc.counters()["handshakes"] == 1


def test_tdata_becomes_a_string(tmp_path):
    convert("tdata", tmp_path / "s", "telethon-string")
    assert (tmp_path / "s").read_text().startswith("1")


def test_refusals_leave_nothing(tmp_path):
    out = tmp_path / "out"
    got = convert("telethon/v7.session", out, "tdata", status=1)
    assert "telethon-string" in got.stderr
    convert("broken/key-zero.session", out, "telethon", status=1)
    convert("nothing-here", out, "telethon", status=1)
    cli("session", "convert", VECTORS / SQLITE[0], out, status=2)
    assert not list(tmp_path.iterdir())
    out.write_text("mine")
    got = convert("telethon/v7.session", out, "telethon", status=1)
    assert "exists already" in got.stderr and out.read_text() == "mine"
