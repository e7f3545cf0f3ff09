"""kill -9 and SIGSTOP of each part: everything comes back by itself, no key is
ever used at two places, nothing is lost."""
import contextlib
import sqlite3
import time

import pytest

from fleet import ACCOUNTS, API, Fleet, START_ALL, wait

N = 8


def bring_up(f):
    f.start("node-a", "node-b")
    f.upload(*f.make_keys(N))
    got = f.post(START_ALL, {"wait": "30s"})
    assert got["accounts_started"] == N, got
    return f


@pytest.fixture
def running(fleet):
    """N accounts online on two nodes."""
    return bring_up(fleet)


@pytest.fixture
def patient(tmp_path):
    """The same, with leases that outlast a restart; and the data centre takes
    a connection for dead after two seconds of silence, no sooner."""
    with contextlib.closing(Fleet(tmp_path / "fleet", ttl="4000ms")) as f:
        yield bring_up(f)


def seen(f):
    return {a["phone"]: a for a in f.admin("/accounts")["accounts"]}


def connects(f):
    return {p: a["connects"] for p, a in seen(f).items()}


def of_node(f, node):
    return [i for i, a in f.accounts().items() if a["node_id"] == node]


def wait_all_connected(f, since, which=None, seconds=20, count=N):
    """Connected again after `since`, once at a time, and known as online."""
    def back():
        now = seen(f)
        return all(now[p]["online"] == 1 and now[p]["connects"] > since[p]
                   for p in which or since)
    wait(back, seconds)
    f.wait_online(count, seconds)


def check_whole(f):
    """The databases, and that nothing went out of them."""
    assert f.counters()["auth_key_duplicates"] == 0
    assert len(f.accounts()) == N
    f.end_all()
    for path, table, n in ((f.data / "tgfleet.db", "sessions", N),
                           (f.dir / "dc.db", None, 0)):
        if not path.exists():
            continue  # not in a file of ours
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
            assert not db.execute("pragma foreign_key_check").fetchall()
            if table:
                got, = db.execute(f"select count(*) from {table}").fetchone()
                assert got == n


def test_worker_killed_and_back(running):
    f = running
    f.expect_lost("worker")
    w = f.workers["node-a"]
    mine = of_node(f, w.node)
    assert len(mine) == N // 2
    before = connects(f)
    other = set(before) - set(mine)
    f.admin("/messages", {"from": min(other), "to": mine[0], "text": "1"})
    wait(lambda: f.account(mine[0])["message_count"] == 1)
    w.kill()
    wait(lambda: all(seen(f)[p]["online"] == 0 for p in mine))
    # what comes in meanwhile is counted, once, and what was is not again
    f.admin("/messages", {"from": min(other), "to": mine[0], "text": "x",
                          "count": 3})
    w.start()
    wait_all_connected(f, before, mine)
    wait(lambda: f.account(mine[0])["message_count"] == 4)
    time.sleep(1)
    assert {i: connects(f)[i] for i in other} == {
        i: before[i] for i in other}
    assert f.account(mine[0])["message_count"] == 4
    check_whole(f)


def test_worker_killed_for_good(running):
    f = running
    f.expect_lost("worker")
    gone, left = f.workers["node-a"], f.workers["node-b"]
    mine, before = of_node(f, gone.node), connects(f)
    gone.kill()
    wait_all_connected(f, before, mine)
    assert {a["node_id"] for a in f.accounts().values()} == {left.node}
    check_whole(f)


def test_serve_killed_and_back(patient):
    """Quick enough that no lease ends: nobody hangs up."""
    f = patient
    f.expect_lost("serve")
    before, epochs = connects(f), {
        i: a["lease"]["epoch"] for i, a in f.accounts().items()}
    f.serve.kill()
    f.serve.start()
    f.wait_online(N)
    wait(lambda: all(n["status"] == "online"
                     for n in f.get(API + "/workers")["items"]))
    # the nodes report to the new one
    f.admin("/messages", {"from": min(before), "to": max(before),
                          "text": "x"})
    wait(lambda: f.account(max(before))["message_count"] == 1)
    assert connects(f) == before
    assert {i: a["lease"]["epoch"]
            for i, a in f.accounts().items()} == epochs
    check_whole(f)


def test_serve_away_for_longer_than_a_lease(running):
    f = running
    f.expect_lost("serve", "worker")
    before = connects(f)
    f.serve.kill()
    begin = time.monotonic()
    # every node hangs up by itself, and not before it must
    wait(lambda: all(a["online"] == 0 for a in seen(f).values()))
    assert time.monotonic() - begin > f.ttl / 2
    time.sleep(1)  # nobody comes back without a lease
    assert all(a["online"] == 0 for a in seen(f).values())
    assert connects(f) == before
    f.serve.start()
    wait_all_connected(f, before)
    assert {a["node_id"] for a in f.accounts().values()} == {
        w.node for w in f.workers.values()}
    check_whole(f)


def test_dc_killed_and_back(running):
    f = running
    f.expect_lost("dc")
    f.admin("/messages", {"from": "9996610000", "to": "9996610001",
                          "text": "before"})
    wait(lambda: f.account("9996610001")["message_count"] == 1)
    f.dc.kill()
    wait(lambda: "online" not in f.statuses().values())
    f.dc.start()
    wait(lambda: all(a["online"] == 1 for a in seen(f).values()), 30)
    f.wait_online(N)
    f.admin("/messages", {"from": "9996610000", "to": "9996610001",
                          "text": "after"})
    wait(lambda: f.account("9996610001")["message_count"] == 2)
    # its memory held the temporary keys: one new one each, and no more
    assert f.counters()["handshakes"] == N
    check_whole(f)


def test_each_in_turn(patient):
    f = patient
    f.expect_lost("serve", "worker", "dc")
    for _ in range(2):
        for p in (f.workers["node-a"], f.serve, f.workers["node-b"], f.dc):
            p.kill()
            p.start()
            wait(lambda: all(a["online"] == 1 for a in seen(f).values()), 30)
            f.wait_online(N)
            assert f.counters()["auth_key_duplicates"] == 0
    check_whole(f)


def test_worker_asleep_for_longer_than_its_lease(patient):
    """The woken one must hang up before it sends anything: its accounts are
    online elsewhere by then."""
    f = patient
    f.expect_lost("worker")
    sleeper, other = f.workers["node-a"], f.workers["node-b"]
    mine, before = of_node(f, sleeper.node), connects(f)
    sleeper.pause()
    begin = time.monotonic()
    wait_all_there(f, other.node)
    assert time.monotonic() - begin > f.ttl
    # both ends of the sleeper's connections still stand: a word on one of
    # them now would be the duplicate
    assert all(connects(f)[p] == before[p] + 1 for p in mine)
    f.admin("/messages", {"from": mine[0], "to": mine[1], "text": "x",
                          "count": 2})
    sleeper.resume()
    wait(lambda: b"not renewed in time" in sleeper.log.read_bytes())
    wait(lambda: f.get(f"{API}/workers/{sleeper.node}")["status"] == "online")
    wait(lambda: all(seen(f)[p]["online"] == 1 for p in mine))
    assert f.counters()["auth_key_duplicates"] == 0
    assert {a["node_id"] for a in f.wait_online(N).values()} == {other.node}
    assert all(connects(f)[p] == before[p] + 1 for p in mine)
    assert wait(lambda: f.account(mine[1])["message_count"]) == 2
    check_whole(f)


def test_worker_leaves_in_order(patient):
    """What it gives back is free at once, not after ttl and grace."""
    f = patient
    f.expect(r"role=serve ev=node .*to=offline why=goodbye")
    w, other = f.workers["node-a"], f.workers["node-b"]
    mine, before = of_node(f, w.node), connects(f)
    begin = time.monotonic()
    w.end()
    assert all(seen(f)[p]["online"] == 0 for p in mine)
    f.post(f"{ACCOUNTS}/{mine[0]}/move", {"server_id": other.node})
    wait_all_connected(f, before, mine[:1], count=N // 2 + 1)
    assert f.account(mine[0])["node_id"] == other.node
    assert time.monotonic() - begin < f.ttl
    check_whole(f)


def test_worker_late_but_not_too_late(patient):
    """Silent for three intervals, back before its leases end: nobody hung up,
    and what was taken for offline shows online again."""
    f = patient
    f.expect_lost("worker")
    w, before = f.workers["node-a"], connects(f)
    mine = of_node(f, w.node)
    w.pause()
    wait(lambda: all(f.statuses()[i] == "offline" for i in mine), every=0.01)
    w.resume()
    f.wait_online(N)
    assert connects(f) == before
    # the same over a restart of the control plane
    f.expect_lost("serve")
    w.pause()
    wait(lambda: all(f.statuses()[i] == "offline" for i in mine), every=0.01)
    f.serve.kill()
    f.serve.start()
    w.resume()
    f.wait_online(N)
    check_whole(f)


def wait_all_there(f, node):
    wait(lambda: all(a["node_id"] == node and a["status"] == "online" and
                     a["lease"]["node_id"] == node
                     for a in f.accounts().values()), 30)
