"""Files, moved by our own engine between accounts of different data centres.

The engine is driven by test/interop/engine_client, as in `make interop`.
"""
import hashlib
import os
import pathlib
import sys
import threading
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(TESTS / "interop"))

from clients import Client  # noqa: E402
from fleet import wait  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20
GET, SAVE, BIG = ("upload.getFile", "upload.saveFilePart",
                  "upload.saveBigFilePart")


class Pair:
    """Ada lives in data centre 1, Boris in 2: what he gets lies elsewhere."""

    def __init__(self, dc, folder):
        self.dc, self.folder = dc, folder
        self.ada = self.client("9996610001", "ada", 1)
        self.boris = self.client("9996620002", "boris", 2)
        # she may write to him: he wrote first
        self.boris_says("hello")

    def client(self, phone, name, home):
        self.dc.call("/users", {"phone": phone, "first_name": name,
                                "username": f"user_{name}", "home_dc": home})
        c = Client("tgfleet", phone, self.folder)
        c.name = name
        c.ask("sign_in", phone=phone, code=str(home) * 5)
        return c

    def boris_says(self, text):
        self.dc.call("/messages", {"from": self.boris.phone,
                                   "to": self.ada.phone, "text": text})
        self.ada.heard([text])

    def send(self, size, seconds=60, **more):
        path = self.folder / "up.bin"
        data = os.urandom(size)
        path.write_bytes(data)
        got = self.ada.ask("send_file", to="user_boris", path=str(path),
                           seconds=seconds, **more)
        assert got["bytes"] == size
        assert got["sha256"] == hashlib.sha256(data).hexdigest()
        return data

    def get(self, data, who=None, seconds=60, **more):
        path = self.folder / "down.bin"
        other = "user_boris" if who is self.ada else "user_ada"
        got = (who or self.boris).ask(
            "get_file", path=str(path), seconds=seconds, **{"with": other},
            **more)
        assert got["sha256"] == hashlib.sha256(data).hexdigest()
        assert path.read_bytes() == data
        return got

    def calls(self, method):
        return self.dc.counters()["calls"].get(method, 0)

    def close(self):
        self.ada.stop()
        self.boris.stop()
        assert self.dc.counters()["auth_key_duplicates"] == 0


@pytest.fixture
def pair(dc, tmp_path):
    it = Pair(dc, tmp_path)
    yield it
    it.close()


def during(what, then, until):
    """Runs what() and, once until() is true, then() beside it."""
    failed = []

    def work():
        try:
            what()
        except BaseException as e:
            failed.append(e)
    t = threading.Thread(target=work)
    t.start()
    try:
        wait(until)
        then()
    finally:
        t.join()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("size, parts, method", [
    (1, 1, SAVE), (512 * KIB - 1, 1, SAVE), (512 * KIB, 1, SAVE),
    (512 * KIB + 1, 2, SAVE), (10 * MIB, 20, SAVE), (10 * MIB + 1, 21, BIG),
    (24 * MIB + 7, 49, BIG)])
def test_sizes(pair, size, parts, method):
    data = pair.send(size)
    assert pair.calls(method) == parts
    assert pair.calls(SAVE) + pair.calls(BIG) == parts
    pair.get(data)  # from another data centre
    assert pair.calls("auth.exportAuthorization") == 1
    pair.get(data, who=pair.ada)  # from her own
    assert pair.calls("auth.exportAuthorization") == 1
    assert pair.calls(GET) == 2 * parts


def test_empty_files_are_refused(pair):
    with pytest.raises(RuntimeError, match="no empty files"):
        pair.send(0)


def test_main_connections_stay_what_they_are(pair):
    """Nothing a media connection does makes the main one count as a second."""
    data = pair.send(3 * MIB)
    before = pair.dc.account(pair.ada.phone)["connects"]
    for _ in range(3):
        pair.get(data)
        pair.get(data, who=pair.ada)
        pair.boris_says("still here?")
    assert pair.dc.account(pair.ada.phone)["connects"] == before


@pytest.mark.parametrize("window", [1, 4])
def test_waits_are_obeyed(pair, window):
    pair.dc.call("/rules", {"rules": [
        {"method": m, "budget": 3, "window": 600, "wait": 1,
         "error": "FLOOD_PREMIUM_WAIT"} for m in (GET, SAVE)]})
    data = pair.send(3 * MIB, window=window)
    pair.get(data, window=window)
    counters = pair.dc.counters()
    assert counters["floods"] >= 2
    if window == 1:  # else parts were under way when the wait was told
        assert counters["calls_during_flood_wait"] == 0


def test_stale_reference_is_renewed_on_the_way(pair):
    data = pair.send(5 * MIB)
    pair.dc.call("/rules", {"rules": [
        {"method": GET, "budget": 4, "window": 600, "wait": 1}]})
    during(lambda: pair.get(data),
           lambda: pair.dc.call("/files/expire", {}),
           lambda: pair.dc.counters()["floods"])
    assert pair.calls("messages.getMessages") >= 1


@pytest.mark.parametrize("up", [True, False])
def test_connections_lost_on_the_way(pair, up):
    method = SAVE if up else GET
    data = None if up else pair.send(6 * MIB)
    who = pair.ada if up else pair.boris
    pair.dc.call("/rules", {"rules": [
        {"method": method, "budget": 5, "window": 600, "wait": 1}]})
    during((lambda: pair.send(6 * MIB)) if up else (lambda: pair.get(data)),
           lambda: pair.dc.call("/faults", {"kind": "drop",
                                            "phone": who.phone}),
           lambda: pair.dc.counters()["floods"])
    pair.dc.call("/rules", {"rules": []})
    pair.boris_says("after that")


def test_connections_lost_again_and_again(pair):
    """Every 40th packet of the data centre ends a connection."""
    def trouble():
        for _ in range(4):
            pair.dc.call("/faults", {"kind": "drop", "after": 40})
            time.sleep(0.4)
    data = pair.send(20 * MIB)
    during(lambda: pair.get(data, seconds=90), trouble, lambda: True)
    pair.dc.call("/faults", {"kind": "none"})


@pytest.mark.parametrize("fault", [
    {"kind": "delay", "method": GET, "delay_ms": 700},
    {"kind": "duplicate", "count": 3}, {"kind": "reorder", "after": 8},
    {"kind": "hold", "method": GET}])
def test_answers_lost_late_doubled_and_mixed(pair, fault):
    data = pair.send(6 * MIB)
    pair.dc.call("/faults", {"phone": pair.boris.phone, **fault})
    pair.get(data, seconds=90)
    assert pair.dc.counters()["faults"] >= 1


def test_moved_by_the_data_centre(pair):
    """Two files, in both data centres: each is found where it is."""
    ours = pair.send(2 * MIB)
    pair.get(ours)
    theirs = os.urandom(2 * MIB)
    (pair.folder / "up.bin").write_bytes(theirs)
    pair.boris.ask("send_file", to="user_ada", seconds=60,
                   path=str(pair.folder / "up.bin"))
    pair.get(theirs, who=pair.ada)
    pair.get(theirs)
    assert pair.calls("auth.exportAuthorization") == 2
