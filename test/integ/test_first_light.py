"""From a Telethon session file to an account online on a node, and back again
after each part was killed.  Nothing here is simulated: three processes, TCP.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio
import pathlib
import signal
import time

import pytest

pytest.importorskip("telethon")

from telethon import events, functions  # noqa: E402

from dc_helper import Dc, client, sign_in  # noqa: E402
from fleet_helper import Serve, Worker, free_port  # noqa: E402

ADA, BORIS = "9996610001", "9996610002"


def run(coro):
    return asyncio.run(asyncio.wait_for(coro, 60))


def make_session(dc, path, phone):
    async def go():
        c = client(dc, session=path)
        await sign_in(c, phone)
        await c.disconnect()
    run(go())


class Fleet:
    """A data centre, a control plane, a node; two people, one of them ours."""

    def __init__(self, tmp):
        self.tmp = pathlib.Path(tmp)
        self.dc = Dc(tmp, "--listen", f"127.0.0.1:{free_port()}",
                     "--dc-count", "1")
        for phone, name, username in ((ADA, "Ada", "ada_one"),
                                      (BORIS, "Boris", "boris_two")):
            self.dc.call("/users", {"phone": phone, "first_name": name,
                                    "username": username, "home_dc": 1})
        self.serve = Serve(tmp)
        self.workers = []
        self.session = self.tmp / "ada.session"

    def worker(self, name="node-a"):
        w = Worker(self.tmp, self.serve, self.tmp / "env.json", name)
        self.workers.append(w)
        return w

    def upload(self):
        make_session(self.dc, self.session, ADA)
        status, got = self.serve.upload(self.session, account_id=ADA,
                                        attested="true")
        assert status < 300, got
        return got

    def online(self):
        self.upload()
        self.serve.api("POST", f"/group-ai/accounts/{ADA}/start")
        return self.serve.wait_status(ADA, "online")

    def no_duplicates(self):
        assert self.dc.counters()["auth_key_duplicates"] == 0

    def close(self):
        for p in [*self.workers, self.serve]:
            p.stop()
        if self.dc.proc.poll() is None:
            self.dc.stop()


def wait_count(fleet, n):
    end = time.monotonic() + 10
    while fleet.serve.account(ADA)["message_count"] < n:
        assert time.monotonic() < end, fleet.serve.account(ADA)
        time.sleep(0.1)


@pytest.fixture
def fleet(tmp_path):
    f = Fleet(tmp_path)
    yield f
    f.no_duplicates()
    f.close()
    for log in tmp_path.glob("*.log"):
        text = log.read_text()
        assert "ev=bug" not in text and "Sanitizer" not in text, text[-3000:]


def test_online_and_counting(fleet):
    w = fleet.worker()
    a = fleet.online()
    assert a["node_id"] == w.node_id
    assert a["username"] == "ada_one"
    fleet.dc.call("/messages", {"from": BORIS, "to": ADA, "text": "hi",
                                "count": 3})
    wait_count(fleet, 3)
    assert fleet.serve.account(ADA)["last_activity"]


def test_message_of_a_node_arrives_at_telethon(fleet):
    w = fleet.worker()
    fleet.online()

    async def go():
        b = client(fleet.dc)
        await sign_in(b, BORIS)
        box = asyncio.Queue()
        b.add_event_handler(box.put, events.NewMessage(incoming=True))
        await b.get_me()
        r = await b(functions.messages.CreateChatRequest(["ada_one"], "Two"))
        chat = r.chats[0].id
        got = await asyncio.to_thread(
            fleet.serve.command, w.node_id, "send_message",
            {"account_id": ADA, "peer": -chat, "text": "from the node",
             "random_id": 11})
        assert got["state"] == "succeeded", got
        e = await asyncio.wait_for(box.get(), 10)
        assert e.raw_text == "from the node" and e.chat_id == -chat
        await b.disconnect()
    run(go())
    private = fleet.serve.command(w.node_id, "send_message", {
        "account_id": ADA, "peer": 12345, "text": "x"})
    assert private["state"] == "failed"


def test_revoked_is_reported_and_left_alone(fleet):
    fleet.worker()
    fleet.online()
    fleet.dc.call("/sessions/revoke", {"phone": ADA})
    a = fleet.serve.wait_status(ADA, "revoked", 5)
    assert a["last_error"]["advice"]
    connections = fleet.dc.counters()["connections"]
    time.sleep(4)
    assert fleet.dc.counters()["connections"] == connections
    assert fleet.serve.account(ADA)["status"] == "revoked"


def test_worker_killed(fleet):
    w = fleet.worker()
    fleet.online()
    fleet.dc.call("/messages", {"from": BORIS, "to": ADA, "text": "1"})
    wait_count(fleet, 1)
    w.kill()
    fleet.dc.call("/messages", {"from": BORIS, "to": ADA, "text": "2"})
    w.start()
    time.sleep(1)
    fleet.serve.wait_status(ADA, "online")
    # what was missed meanwhile is fetched, and the rest not again
    wait_count(fleet, 2)
    time.sleep(2)
    assert fleet.serve.account(ADA)["message_count"] == 2


def test_serve_killed(fleet):
    fleet.worker()
    fleet.online()
    before = fleet.dc.counters()["connections"]
    fleet.serve.restart()
    time.sleep(2)
    fleet.serve.wait_status(ADA, "online")
    assert fleet.dc.counters()["connections"] == before


def test_serve_away_longer_than_the_lease(fleet):
    fleet.worker()
    fleet.online()
    fleet.serve.kill()
    fleet.dc.wait(lambda: fleet.dc.account(ADA)["online"] == 0, 6)
    time.sleep(1)
    assert fleet.dc.account(ADA)["online"] == 0
    fleet.serve.start()
    time.sleep(1)
    fleet.serve.wait_status(ADA, "online")
    assert fleet.dc.account(ADA)["online"] == 1


def test_dc_killed(fleet):
    fleet.worker()
    fleet.online()
    fleet.dc.restart()
    fleet.dc.wait(lambda: fleet.dc.account(ADA)["online"] == 1, 20)
    fleet.serve.wait_status(ADA, "online")


def test_worker_stopped_longer_than_the_lease(fleet):
    """The woken worker hangs up before it says anything."""
    a = fleet.worker("node-a")
    fleet.online()
    b = fleet.worker("node-b")
    a.signal(signal.SIGSTOP)
    time.sleep(7)  # ttl 3 + grace 1, and room
    assert fleet.serve.wait_status(ADA, "online")["node_id"] == b.node_id
    a.signal(signal.SIGCONT)
    time.sleep(2)
    fleet.no_duplicates()
    assert fleet.dc.account(ADA)["online"] == 1
    fleet.serve.wait_status(ADA, "online")


def test_worker_leaves_in_order(fleet):
    """What it gives back is free at once, not after ttl and grace."""
    w = fleet.worker()
    fleet.online()
    fleet.worker("node-b")
    began = time.monotonic()
    w.stop()
    assert fleet.dc.account(ADA)["online"] == 0
    fleet.serve.api("POST", f"/group-ai/accounts/{ADA}/move",
                    {"server_id": "node-b"})
    fleet.serve.wait_status(ADA, "online")
    assert time.monotonic() - began < 4
