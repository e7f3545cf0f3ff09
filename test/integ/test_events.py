"""GET /events: what changed, in its order, to whoever listens."""
import json
import socket
import threading
import time

import pytest
import requests

from fleet import ACCOUNTS, API, SLOW, Serve, wait
from plain_node import Node

# Enough for what the kernel holds of a socket (some 3 MB) and the 256 KiB of ours.
ROUNDS = 45
EVENTS = API + "/events"


@pytest.fixture()
def serve(tmp_path):
    s = Serve(tmp_path / "fleet")
    yield s
    s.close()


class Stream:
    """One listener; what it heard is in `events` as (id, name, data)."""

    def __init__(self, s, query="", last=None, token=None):
        headers = {"Authorization": "Bearer " + (token or s.token)}
        if last:
            headers["Last-Event-ID"] = last
        self.r = requests.get(s.url + EVENTS + query, headers=headers,
                              stream=True, timeout=60 * SLOW)
        assert self.r.status_code == 200, self.r.text
        assert self.r.headers["Content-Type"] == "text/event-stream"
        self.events, self.last, self.ended = [], None, False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        wait(lambda: self.last)

    def read(self):
        fields = {}
        try:
            for line in self.r.iter_lines(chunk_size=1):
                name, _, value = line.decode().partition(": ")
                if not line:
                    self.last = fields.get("id", self.last)
                    if "data" in fields:
                        self.events.append((fields.get("id"), fields["event"],
                                            json.loads(fields["data"])))
                    fields = {}
                elif name:
                    fields[name] = value
        except requests.RequestException:
            pass
        self.ended = True

    def whats(self, thing=None):
        return [d["what"] for _, _, d in list(self.events)
                if "what" in d and thing in (None, d["id"])]

    def until(self, what, thing=None):
        wait(lambda: what in self.whats(thing))


def beat(s, token, names):
    r = requests.post(s.url + API + "/workers/heartbeat", timeout=60, headers={
        "Authorization": "Bearer " + token}, json={
            "status": "online", "account_count": len(names), "accounts": [
                {"account_id": n, "status": "offline"} for n in names]})
    assert r.status_code == 200, r.text


def plain_node(s):
    r = s.post(API + "/workers", {"node_id": "plain"})
    assert r.status_code == 201, r.text
    return r.json()["node_token"]


def test_changes_come_in_their_order_and_only_those_that_happened(serve):
    every, one = Stream(serve), Stream(serve, "?topics=accounts&id=99966301")
    nodes = Stream(serve, "?topics=nodes,jobs")
    for name in ("99966301", "99966302"):
        serve.post(ACCOUNTS, {"account_id": name})
    url = ACCOUNTS + "/99966301"
    assert serve.post(ACCOUNTS, {"account_id": "99966301"}).status_code == 409
    assert serve.call("PATCH", url, json={"priority": 3}, headers={
        "If-Match": '"77"'}).status_code >= 400
    serve.call("PATCH", url, json={"priority": 3})
    serve.call("DELETE", url)
    beat(serve, plain_node(serve), [])
    every.until("node.online")
    assert every.whats("99966301") == ["account.create", "account.update",
                                       "account.delete"]
    one.until("account.delete")
    assert one.whats() == every.whats("99966301")
    nodes.until("node.online")
    assert nodes.whats() == ["node.create", "node.online"]
    for number, name, data in every.events:
        assert name == data["topic"] and number and data["at"]
    numbers = [int(e[0].split("-")[1]) for e in every.events]
    assert numbers == sorted(set(numbers))


def test_commands_and_jobs_are_told(serve):
    listener = Stream(serve, "?topics=commands,jobs,nodes")
    Node(serve, "busy")
    serve.post(API + "/workers/busy/commands", {"action": "reload"})
    listener.until("command.queued")
    job = serve.post(API + "/group-ai/chat/start-all-accounts",
                     {"wait": "5s"}).json()["job_id"]
    listener.until("job.finished", job)
    assert listener.whats(job) == ["job.started", "job.finished"]


def test_who_comes_back_gets_what_was_missed(serve):
    first = Stream(serve)
    serve.post(ACCOUNTS, {"account_id": "99966311"})
    first.until("account.create")
    last = first.last
    first.r.close()
    serve.post(ACCOUNTS, {"account_id": "99966312"})
    serve.post(ACCOUNTS, {"account_id": "99966313"})
    again = Stream(serve, last=last)
    again.until("account.create", "99966313")
    assert [d["id"] for _, _, d in again.events] == ["99966312", "99966313"]
    # not its numbers, not numbers at all, one that never was
    boot = last.split("-")[0]
    for wrong in ("x", "deadbeef-1", boot, boot + "-", boot + "-99999",
                  boot + "-x", "f" * 4000):
        assert Stream(serve, last=wrong).events[0][1] == "reset"
    serve.end()
    wait(lambda: again.ended)
    serve.start()
    lost = Stream(serve, last=again.last)
    assert lost.events[0][1] == "reset" and not lost.last.startswith(boot)


def test_a_gap_is_said(serve):
    token, names = plain_node(serve), [str(99966400000 + i) for i in range(500)]
    first = Stream(serve)
    last = first.last
    first.r.close()
    for _ in range(9):
        beat(serve, token, names)
    again = Stream(serve, last=last)
    assert [e[1] for e in again.events[:1]] == ["reset"]
    serve.post(ACCOUNTS, {"account_id": "99966321"})
    again.until("account.create", "99966321")


def test_a_slow_reader_is_cut_and_nobody_waits_for_it(serve):
    token, names = plain_node(serve), [str(99966400000 + i) for i in range(500)]
    host, port = serve.url.removeprefix("http://").split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((host, int(port)))
    slow.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                 f"{serve.token}\r\n\r\n".encode())
    fast = Stream(serve, "?topics=nodes")
    # what the kernel holds, and then what the server does
    for _ in range(ROUNDS):
        beat(serve, token, names)
    serve.call("PATCH", API + "/workers/plain", json={"name": "still told"})
    fast.until("node.update")
    assert not fast.ended
    slow.settimeout(20 * SLOW)
    text, piece = b"", b"x"
    while piece:
        piece = slow.recv(65536)
        text += piece
    slow.close()
    assert text.count(b"event: cut") == 1
    assert text.endswith(b'data: {"reason":"you read too slowly"}\n\n')
    assert text.count(b"event: accounts") < ROUNDS * 500


def test_so_many_streams_and_no_more(serve):
    host, port = serve.url.removeprefix("http://").split(":")
    request = (f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
               f"{serve.token}\r\n\r\n").encode()
    many = [socket.create_connection((host, int(port))) for _ in range(500)]
    for s in many:
        s.sendall(request)
    for s in many:
        s.settimeout(20 * SLOW)
        assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
    r = serve.get(EVENTS)
    assert r.status_code == 429 and int(r.headers["Retry-After"]) > 0
    assert "500 streams" in r.json()["error"]["message"]
    serve.post(ACCOUNTS, {"account_id": "99966331"})
    for s in many:
        text = b""
        while b"account.create" not in text:
            text += s.recv(4096)
    many.pop().close()
    wait(lambda: requests.get(serve.url + EVENTS, stream=True, timeout=20,
                              headers={"Authorization": "Bearer "
                                       + serve.token}).status_code == 200)
    for s in many:
        s.close()


def test_bad_topics_and_a_head(serve):
    for topics in ("x", "", "accounts,", "accounts,,jobs", "account"):
        r = serve.get(f"{EVENTS}?topics={topics}")
        assert r.status_code == 422, topics
        assert "accounts, nodes" in r.json()["error"]["message"]
    start = time.monotonic()
    assert serve.call("HEAD", EVENTS).status_code == 200
    assert time.monotonic() - start < 20 * SLOW
