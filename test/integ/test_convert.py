"""`tgfleet session convert`: what it writes, the programs themselves open."""
import hashlib
import re
import sqlite3
import stat

import pytest

from fleet import ROOT, cli

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


@pytest.mark.parametrize("to", ["pyrogram", "telethon-string", "gramjs-string",
                                "pyrogram-string", "mtcute-string",
                                "mtkruto-string"])
def test_there_and_back(to, tmp_path):
    source = "pyrogram/v3.session"
    convert(source, tmp_path / "there", to)
    got = cli("session", "inspect", tmp_path / "there", "--json")
    assert hashlib.sha256(key_of(source)).hexdigest() in got.stdout
    cli("session", "convert", tmp_path / "there", tmp_path / "back",
        "--to", "telethon")
    assert key_of(tmp_path / "back") == key_of(source)


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
