"""Files that are no sessions, or not this account's: a clear error for each,
nothing stored, and no memory spent on them."""
import base64
import contextlib
import json
import os
import pathlib
import sqlite3
import tempfile

import pytest

import fleet as fleetlib
from fleet import API, ROOT, UPLOAD, Fleet, telethon_string

VECTORS = ROOT / "test/data/vectors/sessions"
FILES = json.loads((VECTORS / "manifest.json").read_text())["files"]
INSPECT = API + "/group-ai/sessions/inspect"
MB = 1 << 20


@pytest.fixture(scope="module")
def fleet():
    """One control plane for all of them: its emptiness is what is tested."""
    with tempfile.TemporaryDirectory() as folder:
        f = Fleet(pathlib.Path(folder) / "fleet")
        f.expect(r'role=serve ev=session why="upload refused"')
        f.start_serve()
        yield f
        f.close()


def rows(f):
    with contextlib.closing(sqlite3.connect(
            f"file:{f.data}/tgfleet.db?mode=ro", uri=True)) as db:
        return tuple(db.execute(f"select count(*) from {t}").fetchone()[0]
                     for t in ("accounts", "sessions"))


@pytest.fixture(autouse=True)
def nothing_stored(fleet):
    before = rows(fleet)
    yield
    assert rows(fleet) == before
    assert fleet.serve.alive()


def refused(f, name, data, **form):
    """The status and the one result; its error says something."""
    r = f.call("POST", UPLOAD, status=None, timeout=120,
               data={"attested": "true", **form}, files=[("file", (name, data))])
    assert 400 <= r.status_code < 500, r.text
    body = r.json()
    if "results" in body:
        result, = body["results"]
        assert result["success"] is False
        error = result["error"]
        assert body["stored"] == 0 and body["success"] is False
        assert error["advice"]
    else:
        error = body["error"]
    assert error["code"] and len(error["message"]) > 15, error
    return r.status_code, error


def session_file(tables=True, key=b"\x07" * 256, dc=2):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "s.session"
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("create table version (version integer primary key)")
            db.execute("insert into version values (7)")
            if tables:
                db.execute("create table sessions (dc_id integer primary key,"
                           " server_address text, port integer, auth_key blob,"
                           " takeout_id integer)")
                db.execute("create table entities (id integer primary key, hash"
                           " integer not null, username text, phone integer,"
                           " name text, date integer)")
                db.execute("insert into sessions values (?,'127.0.0.1',443,?,"
                           "null)", (dc, key))
            db.commit()
        return path.read_bytes()


GOOD = session_file()
KEYS = {"short": os.urandom(255), "long": os.urandom(257), "none": None,
        "empty": b"", "zero": bytes(256), "text": "k" * 256}


@pytest.mark.parametrize("size", [1, 15, 16, 99, 100, 512, 4095, 4096,
                                  len(GOOD) // 2, len(GOOD) - 1])
def test_truncated(fleet, size):
    refused(fleet, "9996610001.session", GOOD[:size])


@pytest.mark.parametrize("data", [
    b"", b"\0" * 4096, b"hello", os.urandom(65536), b"SQLite format 3\0",
    b"{}", b"1" + b"A" * 352, b"PK\x03\x04" + bytes(100)], ids=[
        "empty", "zeroes", "text", "random", "magic", "json", "string", "zip"])
def test_not_a_session(fleet, data):
    refused(fleet, "9996610001.session", data)


def test_without_the_tables(fleet):
    _, error = refused(fleet, "9996610001.session", session_file(tables=False))
    assert "sessions" in error["message"]


@pytest.mark.parametrize("kind", KEYS)
def test_key_of_the_wrong_kind(fleet, kind):
    key = KEYS[kind]
    _, error = refused(fleet, "9996610001.session", session_file(key=key))
    assert "key" in error["message"], error
    if isinstance(key, bytes) and len(key) > 100:
        assert base64.b64encode(key[:12]).decode() not in json.dumps(error)


def vector_id(v):
    return v["path"]


@pytest.mark.parametrize("v", [v for v in FILES if v["expect"] == "refuse"],
                         ids=vector_id)
def test_vector_refused(fleet, v):
    path = VECTORS / v["path"]
    got = fleetlib.cli("session", "inspect", "--json", path, status=1)
    assert got.stdout.strip() == "[]"
    assert got.stderr.count("\n") == 1 and len(got.stderr) > 40, got.stderr
    if path.is_dir():
        return
    refused(fleet, "9996610001" + path.suffix, path.read_bytes())


@pytest.mark.parametrize("v", [v for v in FILES if v["expect"] != "refuse" and
                               (VECTORS / v["path"]).is_file()],
                         ids=vector_id)
def test_vector_read_right(fleet, v):
    """Opened, or refused where that is fine too; never another key than the
    one that is in there: nothing of a hostile file has run."""
    path = VECTORS / v["path"]
    r = fleet.call("POST", INSPECT, status=None,
                   files=[("file", (path.name, path.read_bytes()))])
    if v["expect"] == "either" and r.status_code == 422:
        return
    assert r.status_code == 200, r.text
    got = r.json()
    assert got["fingerprint"] == v["key_sha256"]
    assert got["dc_id"] == v["dc"] and got["known_as"] is None


def test_hundred_megabytes(fleet):
    _, before = fleet.serve.memory()
    # larger than a body may be: refused while it is being sent
    try:
        status, error = refused(fleet, "9996610001.session", GOOD +
                                bytes(100 * MB))
        assert status == 413 and error["code"] == "too_big", error
    except fleetlib.requests.ConnectionError:
        pass  # hung up on, while we were still sending
    _, after = fleet.serve.memory()
    assert after - before < 80 * MB
    # and the next one is served
    refused(fleet, "9996610001.session", b"x")
    # within the limit of a body, but no session is so large
    status, _ = refused(fleet, "9996610001.session", GOOD + bytes(40 * MB))
    assert status in (413, 422)
    _, after = fleet.serve.memory()
    assert after - before < 150 * MB


def test_a_thousand_at_once(fleet):
    _, before = fleet.serve.memory()
    files = [("file", (f"99966{n:05}.session", GOOD[:2000] + b"%d" % n))
             for n in range(900)]
    r = fleet.call("POST", UPLOAD, status=422, timeout=120,
                   data={"attested": "true"}, files=files)
    body = r.json()
    assert (body["total"], body["stored"], body["failed"]) == (900, 0, 900)
    assert all(x["error"]["message"] for x in body["results"])
    # more than a form may hold: refused as a whole
    files += [("file", (f"99967{n:05}.session", b"x")) for n in range(200)]
    r = fleet.call("POST", UPLOAD, status=None, timeout=120,
                   data={"attested": "true"}, files=files)
    assert r.status_code in (400, 413, 422), r.text
    assert r.json()["error"]["message"]
    _, after = fleet.serve.memory()
    assert after - before < 100 * MB


def tree(folder):
    return sorted(str(p) for p in folder.rglob("*"))


@pytest.mark.parametrize("name", [
    "..", ".", "%2e%2e%2fx.session", "x\x01.session", "x" * 300 + ".session",
    ".session", "$(id).session", "a b;c.session", "../..", "x/..", "''.session",
    "ä.session"])
def test_names_that_are_none(fleet, name):
    before = tree(fleet.dir)
    refused(fleet, name, session_file(key=os.urandom(256)))
    assert tree(fleet.dir) == before


@pytest.mark.parametrize("name, account_id", [
    ("../../etc/passwd", "passwd"), ("/etc/cron.d/x1.session", "x1"),
    ("..\\..\\x2.session", "x2"), ("a/b1.session", "b1")])
def test_names_that_lead_elsewhere(fleet, name, account_id):
    """A browser may send the whole path: only its last part is a name."""
    before = tree(fleet.dir)
    r = fleet.call("POST", INSPECT, files=[
        ("file", (name, session_file(key=os.urandom(256))))])
    assert r.json()["dc_id"] == 2
    got = fleet.call("POST", UPLOAD, data={"attested": "false"}, status=None,
                     files=[("file", (name, session_file()))]).json()
    result, = got["results"]
    assert result["account_id"] == account_id
    assert result["filename"] == name.replace("\\", "/").split("/")[-1]
    assert tree(fleet.dir) == before


def test_without_saying_whose_they_are(fleet):
    status, error = refused(fleet, "9996610055.session", GOOD,
                            attested="false")
    assert status in (400, 422) and "attested" in error["message"]


def test_command_line_says_why(fleet, tmp_path):
    path = tmp_path / "9996610001.session"
    path.write_bytes(GOOD[:5000])
    got = fleetlib.cli("session", "inspect", path, status=1)
    assert got.stderr.startswith("tgfleet session: ")
    assert got.stderr.count("\n") == 1 and str(path) in got.stderr
    got = fleetlib.cli("account", "upload", "--attested", path, fleet=fleet,
                       status=1)
    line, = [x for x in got.stdout.splitlines() if path.name in x]
    assert "no" in line.split() and "cut" in line
    assert not got.stderr


def test_same_key_under_another_name(tmp_path):
    f = Fleet(tmp_path / "fleet")
    f.expect(r'role=serve ev=session why="upload refused"')
    f.start_serve()
    try:
        same_key(f)
    finally:
        f.close()


def same_key(f):
    key = os.urandom(256)
    f.secrets.key("key", key)
    text = telethon_string(2, "127.0.0.1", 443, key).encode()
    assert f.upload(("9996610077.session", text))["stored"] == 1
    for name, data in (("9996610078.session", text),
                       ("9996610079.session", session_file(key=key))):
        status, error = refused(f, name, data)
        assert status == 409 and error["code"] == "duplicate", error
        assert "9996610077" in error["message"]
        assert rows(f) == (1, 1)
    # under its own name it is no news
    assert f.upload(("9996610077.session", text))["success"] is True
    assert rows(f) == (1, 1)
    # both in one form: the first has it
    key = os.urandom(256)
    text = telethon_string(2, "127.0.0.1", 443, key).encode()
    got = f.upload(("9996610080.session", text), ("9996610081.session", text))
    assert [r["success"] for r in got["results"]] == [True, False]
    assert rows(f) == (2, 2)
