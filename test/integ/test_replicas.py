"""Two control planes on one PostgreSQL: what one does, the other knows, and which
one a node talks to makes no difference."""
import collections
import contextlib
import pathlib
import re
import shutil
import sys
import threading
import time
import uuid

import pytest
import requests

from fleet import ACCOUNTS, API, SLOW, Fleet, Serve, wait
from plain_node import Node, form_file, session_file

sys.path.append(str(pathlib.Path(__file__).parents[1] / "chaos"))
from faultproxy import FaultProxy  # noqa: E402

ID = "99966101"


@pytest.fixture(scope="module")
def server():
    from postgres import Postgres
    pg = Postgres()
    yield pg
    pg.close()


def second(first, folder, url, **kw):
    """Another serve on the database; it opens the same sessions."""
    data = pathlib.Path(folder) / "data"
    data.mkdir(parents=True, mode=0o700)
    shutil.copy(first.folder / "data" / "vault.key", data / "vault.key")
    return Serve(folder, db=url, password=first.password, **kw)


@contextlib.contextmanager
def two(server, tmp_path, **kw):
    url = server.create(f"t{time.monotonic_ns()}")
    a = Serve(tmp_path / "a", db=url, **kw)
    b = None
    try:
        b = second(a, tmp_path / "b", url, **kw)
        yield a, b
        a.check_log()
        b.check_log()
    finally:
        for s in (a, b):
            if s:
                s.end()


def beat_by(serve, node, **change):
    """What it says, said to this one; nothing is obeyed."""
    node.seq += 1
    return serve.call("POST", API + "/workers/heartbeat", token=node.token,
                      json=node.body() | change)


def with_account(a, tmp_path, node):
    a.upload(form_file(session_file(tmp_path, ID)))
    node.beat()
    a.post(f"{ACCOUNTS}/{ID}/start", {"wait": "0s"})
    node.beat()
    node.beat()
    assert node.held == {ID: 1}


def worker(serve, node):
    (w,) = [w for w in serve.get(API + "/workers").json()["items"]
            if w["node_id"] == node.id]
    return w


def test_a_command_rings_at_the_other(server, tmp_path):
    """The looks are ten seconds apart here: it was the call that woke it."""
    with two(server, tmp_path, beat="30s", ttl="90s", grace="30s") as (a, b):
        n = Node(a, "n")
        n.beat()
        took = []

        def poll():
            begin = time.monotonic()
            r = b.call("GET", f"{API}/workers/{n.id}/stream?wait=8s",
                       token=n.token)
            took.append((r.json()["news"], time.monotonic() - begin))
        beat_by(b, n)
        t = threading.Thread(target=poll)
        t.start()
        time.sleep(1)
        r = a.post(f"{API}/workers/{n.id}/commands",
                   {"action": "list_sessions"})
        assert r.status_code == 201, r.text
        t.join()
        assert took[0][0] is True and took[0][1] < 1 + 2 * SLOW, took
        # whoever it asks gives it, and whoever it tells knows
        got = beat_by(b, n).json()["pending_commands"]
        assert [c["action"] for c in got] == ["list_sessions"]
        n.results = {got[0]["command_id"]: {"success": True, "data": None,
                                            "error": None}}
        assert beat_by(a, n).json()["pending_commands"] == []
        assert beat_by(b, n).json()["pending_commands"] == []


def test_a_lease_the_other_renews_is_not_given_away(server, tmp_path):
    with two(server, tmp_path, beat="300ms", ttl="1500ms",
             grace="300ms") as (a, b):
        n, m = Node(a, "n"), Node(b, "z")
        m.beat()
        with_account(a, tmp_path, n)
        r = b.post(f"{ACCOUNTS}/{ID}/move", {"server_id": m.id})
        assert r.ok, r.text
        # it does not obey, and goes on telling one of them
        end = time.monotonic() + 5
        while time.monotonic() < end:
            sent = time.monotonic()
            assert beat_by(a, n).status_code == 200
            m.beat()
            assert not m.held
            time.sleep(0.1)
        # and falls silent
        while not m.held:
            m.beat()
            time.sleep(0.05)
            assert time.monotonic() < sent + 30 * SLOW
        assert m.held == {ID: 2}
        assert time.monotonic() - sent >= 1.5


def test_a_node_the_other_hears_is_online(server, tmp_path):
    with two(server, tmp_path, beat="300ms", ttl="1500ms",
             grace="300ms") as (a, b):
        n = Node(a, "n")
        with_account(a, tmp_path, n)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert beat_by(a, n).status_code == 200
            time.sleep(0.1)
        for s in (a, b):
            assert worker(s, n)["status"] == "online"
            assert s.account(ID)["status"] == "online"
        # an older beat is an older beat for both
        n.seq -= 5
        assert beat_by(b, n).status_code == 409
        n.seq += 5
        for s in (a, b):
            wait(lambda: worker(s, n)["status"] == "offline", 20)
            s.wait_account(ID, 20, status="offline")
        # what the one marked, the other asks for
        r = beat_by(a, n, full=False, accounts=[])
        assert r.json()["full_wanted"] is True
        r = beat_by(b, n)
        assert r.json()["full_wanted"] is False
        assert b.account(ID)["status"] == "online"


def test_a_start_is_seen_through_the_other(server, tmp_path):
    """Begun at one, reported to the other, waited for at both."""
    with two(server, tmp_path) as (a, b):
        n = Node(a, "n")
        a.upload(form_file(session_file(tmp_path, ID)))
        beat_by(b, n)
        wait(lambda: worker(a, n)["status"] == "online", 20)
        r = a.post(f"{ACCOUNTS}/{ID}/start", {"wait": "0s"})
        job = r.json()["job_id"]
        assert b.get(f"{API}/jobs/{job}").json()["state"] == "running"
        n.serve = b
        n.run()
        try:
            for s in (b, a):
                got = s.get(f"{API}/jobs/{job}?wait=30s").json()
                assert got["state"] == "succeeded", got
                assert got["result"]["accounts_started"] == 1, got
        finally:
            n.vanish()


def start_without_end(a, tmp_path):
    n = Node(a, "n")
    a.upload(form_file(session_file(tmp_path, ID)))
    n.beat()
    return a.post(f"{ACCOUNTS}/{ID}/start", {"wait": "0s"}).json()["job_id"]


def test_jobs_end_with_their_replica(server, tmp_path):
    with two(server, tmp_path, beat="20s", ttl="60s", grace="20s") as (a, b):
        job = start_without_end(a, tmp_path)
        b.kill()
        b.start()
        assert b.get(f"{API}/jobs/{job}").json()["state"] == "running"
        a.kill()
        a.start()
        got = b.get(f"{API}/jobs/{job}").json()
        assert (got["state"], got["error"]) == ("failed", "interrupted")


def test_jobs_of_a_replica_that_is_gone_end(server, tmp_path):
    with two(server, tmp_path) as (a, b):
        job = start_without_end(a, tmp_path)
        a.kill()
        got = b.get(f"{API}/jobs/{job}?wait=60s").json()
        assert (got["state"], got["error"]) == ("failed", "interrupted"), got
        a.start()


def test_a_copied_data_folder_is_not_another_replica(server, tmp_path):
    with two(server, tmp_path) as (a, b):
        name = (a.folder / "data" / "replica.id").read_bytes()
        b.kill()
        (b.folder / "data" / "replica.id").write_bytes(name)
        with pytest.raises(AssertionError, match="another serve is replica"):
            b.start()
        (b.folder / "data" / "replica.id").write_bytes(b"not / a name")
        with pytest.raises(AssertionError, match="remove the file"):
            b.start()
        (b.folder / "data" / "replica.id").unlink()
        # what one seals the other has to open: it makes no key of its own
        key = b.folder / "data" / "vault.key"
        was = key.read_bytes()
        key.unlink()
        with pytest.raises(AssertionError, match="no vault key file"):
            b.start()
        assert not key.exists()
        key.touch(0o600)
        key.write_bytes(was)
        b.start()


# --- under load, with one killed every few seconds


class Pair(Fleet):
    """Two of them behind a proxy that gives each request to any that lives."""

    def start_pair(self, url):
        self.start_dc()
        self.start_serve("--db", url)
        self.other = second(self.serve, self.dir / "other", url,
                            **self.timing, secrets=self.secrets)
        self.proxy = FaultProxy(self.serve.url, 1)
        self.proxy.add(self.other.url)
        self.both = [self.serve, self.other]
        return self

    def start_worker(self, name):
        # it is told where the control plane is: at the proxy
        real, self.serve.url = self.serve.url, self.proxy.url
        try:
            return super().start_worker(name)
        finally:
            self.serve.url = real

    def ask(self, path, body):
        """Until one of them answers; the key makes it once."""
        key = uuid.uuid4().hex
        while True:
            for s in self.both:
                with contextlib.suppress(requests.RequestException):
                    r = s.post(path, body, headers={"Idempotency-Key": key})
                    if r.status_code < 500:
                        assert r.ok, r.text
                        return r.json()
            time.sleep(0.1)

    def anywhere(self, path):
        while True:
            for s in self.both:
                with contextlib.suppress(requests.RequestException):
                    r = s.get(path)
                    if r.status_code < 500:
                        return r.json()
            time.sleep(0.1)

    def close(self):
        try:
            self.other.end()
            self.other.check_log()
        finally:
            try:
                super().close()
            finally:
                self.proxy.close()


@pytest.fixture
def pair(server, tmp_path):
    # longer than one of them is away, on a machine that has much to do
    f = Pair(tmp_path / "fleet", beat="500ms", ttl="6000ms", grace="600ms")
    f.expect_lost("serve", "worker", "dc")
    f.expect(r"role=serve ev=", r"role=worker ev=")
    f.start_pair(server.create(f"t{time.monotonic_ns()}"))
    yield f
    f.close()


def grants(f):
    """The epoch of each lease that either of them granted."""
    for s in f.both:
        for line in s.log_text().splitlines():
            if " ev=lease " in line and (" why=grant" in line
                                         or " why=takeover" in line):
                yield re.search(r" epoch=(\d+)", line)[1]


def test_one_is_killed_every_few_seconds(pair):
    accounts, commands = 6, 40
    for name in ("node-a", "node-b"):
        pair.start_worker(name)
    pair.upload(*pair.make_keys(accounts))
    pair.post(f"{API}/group-ai/chat/start-all-accounts", {"wait": "30s"})
    pair.wait_online(accounts, 40)
    phones = [f"99966{10000 + i}" for i in range(accounts)]
    chat = pair.admin("/chats", {"title": "load", "members": phones})["chat_id"]
    before = pair.seen(phones[-1])["messages"]
    stop, killed = threading.Event(), []

    def kill():
        turn = 0
        while not stop.wait(2):
            s = pair.both[turn % 2]
            s.kill()
            killed.append(s.name)
            stop.wait(0.5)
            s.start(60)
            turn += 1

    killer = threading.Thread(target=kill)
    killer.start()
    asked = []
    try:
        for i in range(commands):
            phone = phones[i % (accounts - 1)]
            node = pair.anywhere(f"{ACCOUNTS}/{phone}")["server_id"]
            asked.append((node, pair.ask(
                f"{API}/workers/{node}/commands",
                {"action": "send_message", "params": {
                    "account_id": phone, "peer": -chat, "text": f"n{i}"}})))
            time.sleep(0.3)
    finally:
        stop.set()
        killer.join()
    assert len(killed) >= 3

    def settled():
        got = [pair.get(f"{API}/workers/{n}/commands/{c['command_id']}")
               for n, c in asked]
        return got if all(g["state"] in ("succeeded", "failed")
                          for g in got) else None
    got = wait(settled, 60, 0.5)
    bad = [g["error"] for g in got if g["state"] != "succeeded"]
    assert not bad, bad
    wait(lambda: pair.seen(phones[-1])["messages"] - before == commands, 20)
    time.sleep(1)
    assert pair.seen(phones[-1])["messages"] - before == commands
    pair.wait_online(accounts, 60)
    # ids are hidden in logs, but each epoch of each account is granted once
    seen = collections.Counter(grants(pair))
    assert seen and max(seen.values()) <= accounts, seen
    assert sum(seen.values()) <= sum(
        a["lease"]["epoch"] for a in pair.accounts().values()), seen
    assert pair.counters()["auth_key_duplicates"] == 0
