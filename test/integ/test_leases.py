"""Leases at their edges: settings that shrink, nodes that never come back, beats
that come from long ago, a database that is away."""
import contextlib
import sqlite3
import time

import pytest

from fleet import ACCOUNTS, API, START_ALL, Serve
from plain_node import Node, form_file, session_file

ID = "99966101"


@contextlib.contextmanager
def serving(tmp_path, *options, **kw):
    s = Serve(tmp_path / "fleet", *options, **kw)
    try:
        yield s
    finally:
        s.end()


def with_account(s, tmp_path, node):
    s.upload(form_file(session_file(tmp_path, ID)))
    node.beat()
    s.post(f"{ACCOUNTS}/{ID}/start", {"wait": "0s"})
    node.beat()
    node.beat()
    assert node.held == {ID: 1}


def move(s, node):
    assert s.post(f"{ACCOUNTS}/{ID}/move", {"server_id": node.id}).ok


def test_a_longer_lease_is_remembered_over_two_restarts(tmp_path):
    """It was granted for 5 s; the control plane comes back twice with leases of
    a second before that is over."""
    with serving(tmp_path, ttl="5s", grace="500ms") as s:
        a, b = Node(s, "a"), Node(s, "b")
        b.beat()
        with_account(s, tmp_path, a)
        held_until = time.monotonic() + 5  # as a's own clock says
        for i, (name, value) in enumerate((("--lease-ttl", "1s"),
                                           ("--lease-grace", "300ms"))):
            s.argv[s.argv.index(name) + 1] = value
        for _ in range(2):
            s.kill()
            s.start()
        move(s, b)
        while not b.held:
            b.beat()
            time.sleep(0.1)
        assert time.monotonic() > held_until


def test_leases_of_a_node_that_never_comes_back_end(tmp_path):
    with serving(tmp_path, "--failover=false") as s:
        a = Node(s, "a")
        with_account(s, tmp_path, a)
        s.post(f"{ACCOUNTS}/{ID}/stop")
        assert s.call("DELETE", f"{ACCOUNTS}/{ID}").status_code == 409
        assert s.call("DELETE", f"{API}/workers/{a.id}").status_code == 409
        begin, end = time.monotonic(), time.monotonic() + 10
        while not s.call("DELETE", f"{ACCOUNTS}/{ID}").ok:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert time.monotonic() - begin > 1  # the ttl, at the least
        assert s.call("DELETE", f"{API}/workers/{a.id}").ok


def test_many_leases_come_a_part_at_a_time(tmp_path):
    """An answer with all of ten thousand kept the control plane from everybody
    else, and the node gave up waiting for it."""
    ids = [f"9996{n:06}" for n in range(501)]
    with serving(tmp_path, beat="60s", ttl="200s", grace="5s") as s:
        a = Node(s, "a")
        a.fetch = lambda url: url
        s.call("PATCH", f"{API}/workers/{a.id}", json={"max_accounts": 1000})
        files = [form_file(session_file(tmp_path, i)) for i in ids]
        for at in range(0, len(files), 200):
            assert s.upload(*files[at:at + 200]).ok
        a.beat()
        assert s.post(START_ALL, {}).ok
        a.beat()
        assert len(a.held) == 500
        # the doorbell rings: there is more
        news = a.call("GET", f"{API}/workers/{a.id}/stream?wait=5s").json()
        assert news["news"] is True
        a.beat()
        assert sorted(a.held) == ids
        assert set(a.held.values()) == {1}
        while a.results:  # they are started, some a beat
            a.beat()
        news = a.call("GET", f"{API}/workers/{a.id}/stream?wait=0s").json()
        assert news["news"] is False


def beat_as(node, boot_id, seq):
    node.boot_id, node.seq = boot_id, seq
    return node.call("POST", API + "/workers/heartbeat",
                     json=node.body()).status_code


def test_what_was_told_of_an_old_epoch_is_told_again(tmp_path):
    """A beat from before the lease was known, held up on the way, brings a new
    epoch; what the node says then is of the one before, and not heard."""
    with serving(tmp_path) as s:
        a = Node(s, "a")
        with_account(s, tmp_path, a)
        knows, a.held = a.held, {}
        a.seq += 1
        late = a.call("POST", API + "/workers/heartbeat", json=a.body())
        assert late.json()["leases"][0]["epoch"] == 2
        a.held = knows
        answer = a.beat()
        assert answer["full_wanted"] is True
        assert a.held == {ID: 3}
        assert a.beat()["full_wanted"] is False
        assert s.account(ID)["status"] == "online"


def test_a_beat_from_two_starts_ago_shuts_nobody_out(tmp_path):
    with serving(tmp_path) as s:
        a = Node(s, "a")
        for start in (10, 11, 12):
            assert beat_as(a, f"{start}-aa", 1) == 200
        assert beat_as(a, "10-aa", 2) == 409
        assert beat_as(a, "12-aa", 2) == 200
        assert beat_as(a, "11-aa", 9) == 409
        assert beat_as(a, "12-aa", 3) == 200
        # a copy of the state folder: the later one is it
        assert beat_as(a, "12-bb", 1) == 200
        assert beat_as(a, "12-aa", 4) == 409
        assert beat_as(a, "13-aa", 1) == 200
        for odd in ("-1", "99999999999999999999-a", "-", "9" * 64, "12x-a"):
            assert beat_as(a, odd, 1) == 409


@pytest.fixture
def locked(tmp_path):
    @contextlib.contextmanager
    def lock():
        with contextlib.closing(sqlite3.connect(
                tmp_path / "fleet" / "data" / "tgfleet.db",
                isolation_level=None)) as db:
            db.execute("begin immediate")
            yield
    return lock


@pytest.mark.sqlite
def test_a_beat_that_could_not_be_stored_is_asked_again(tmp_path, locked):
    """Its accounts were marked offline; the changes of later beats alone would
    not tell that they are not."""
    # three intervals are longer than a write waits for the database
    with serving(tmp_path, beat="2s", ttl="6s") as s:
        a = Node(s, "a")
        with_account(s, tmp_path, a)
        assert s.account(ID)["status"] == "online"
        s.wait_account(ID, status="offline", seconds=10)
        body = a.body() | {"full": False, "accounts": []}
        with locked():
            r = a.call("POST", API + "/workers/heartbeat",
                       json=body | {"seq": 50})
            assert r.status_code == 503, r.text
            assert "try again" in r.text or "busy" in r.text or \
                "locked" in r.text, r.text
        r = a.call("POST", API + "/workers/heartbeat", json=body | {"seq": 51})
        assert r.status_code == 200 and r.json()["full_wanted"] is True
        a.held = {x["account_id"]: x["epoch"] for x in r.json()["leases"]}
        a.seq = 51
        assert a.beat()["full_wanted"] is False
        assert s.account(ID)["status"] == "online"


def test_chat_is_not_started_where_there_is_none(tmp_path):
    with serving(tmp_path) as s:
        a = Node(s, "a")
        a.beat()
        for what in ("start", "stop"):
            r = s.post(f"{API}/group-ai/chat/{what}")
            got = r.json()
            assert got["success"] is False and got["failed_count"] == 1
            (one,) = got["results"]
            assert one["status"] == "failed" and one["command_id"] is None
            assert "no chat scripts" in one["message"]
        assert a.beat()["pending_commands"] == []


def test_position_and_waits_go_with_the_account(tmp_path):
    """What a node told of the account last is in the next node's grant, and only
    there; a node whose lease is over is not heard."""
    with serving(tmp_path) as s:
        a, b = Node(s, "a"), Node(s, "b")
        b.beat()
        with_account(s, tmp_path, a)
        place = {"epoch": 1, "pts": 500, "qts": 1, "date": 2, "seq": 3,
                 "channels": [{"id": 77, "access_hash": -5, "pts": 9}]}
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                              time.gmtime(time.time() + 3600))
        told = {"method": "messages.sendMessage", "until": until,
                "error": "FLOOD_WAIT_3600"}
        over = {**told, "method": "users.getUsers",
                "until": "2020-01-01T00:00:00Z"}
        a.status[ID] = {"status": "online", "position": place,
                        "limits": [told, over]}
        assert "position" not in a.beat()["leases"][0]
        a.status[ID] = {"status": "online", "limits": [told, over]}
        a.beat()  # it did not move: it stays as told
        s.kill()
        s.start()
        move(s, b)
        a.beat()
        a.beat()
        (lease,) = b.beat()["leases"]
        assert lease["epoch"] == 2
        assert lease["position"] == place
        (limit,) = lease["limits"]
        assert (limit["method"], limit["error"]) == (
            told["method"], told["error"])
        assert limit["until"].startswith(until[:19])
        assert "position" not in b.beat()["leases"][0]
        # from the past, or of an epoch that was never granted
        a.held = {ID: 1}
        a.status[ID] = {"status": "online", "position": {**place, "pts": 9999}}
        a.beat()
        b.status[ID] = {"status": "online",
                        "position": {**place, "epoch": 99, "pts": 9999}}
        b.beat()
        move(s, a)
        b.beat()
        b.beat()
        (lease,) = a.beat()["leases"]
        assert lease["epoch"] == 3
        assert lease["position"] == place
