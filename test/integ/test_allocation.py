"""Which account belongs on which node: /group-ai/account-allocation."""
import json
import os
import subprocess

import pytest

from fleet import ACCOUNTS, API, Serve, program, wait
from plain_node import Node, session_file

BASE = API + "/group-ai/account-allocation"


@pytest.fixture()
def serve(tmp_path):
    s = Serve(tmp_path / "fleet")
    yield s
    s.close()


class Fleet:
    """Nodes that beat, and accounts without sessions: they only have a place."""

    def __init__(self, serve, **nodes):
        self.s = serve
        self.nodes = {}
        for name, room in nodes.items():
            self.nodes[name] = Node(serve, name).run()
            self.change(name, max_accounts=room)
        for node in self.nodes.values():
            wait(lambda: serve.get(f"{API}/workers/{node.id}").json()["status"]
                 == "online")

    def change(self, node, **what):
        r = self.s.call("PATCH", f"{API}/workers/{node}", json=what)
        assert r.status_code == 200, r.text

    def add(self, *ids, **fields):
        for i in ids:
            r = self.s.post(ACCOUNTS, {"account_id": i, **fields})
            assert r.status_code == 201, r.text

    def patch(self, account, status=200, **what):
        r = self.s.call("PATCH", f"{ACCOUNTS}/{account}", json=what)
        assert r.status_code == status, r.text
        return r.json()

    def auto(self, status=200, **body):
        r = self.s.post(BASE + "/auto", body)
        assert r.status_code == status, r.text
        return r.json()

    def batch(self, pairs, status=200, **more):
        r = self.s.post(BASE + "/batch", {"allocations": [
            {"account_id": a, "server_id": n} for a, n in pairs], **more})
        assert r.status_code == status, r.text
        return r.json()

    def summary(self):
        return self.s.get(BASE + "/summary").json()

    def counts(self):
        return [x["current"] for x in self.summary()["servers"].values()]

    def where(self):
        items = self.s.get(ACCOUNTS + "?page_size=100").json()["items"]
        return {a["account_id"]: a["server_id"] for a in items}

    def audits(self, action):
        items = self.s.get(API + "/audit?page_size=100").json()["items"]
        return [a for a in items if a["action"] == action]

    def close(self):
        for node in self.nodes.values():
            node.vanish()


def ids(n, first=99966100):
    return [str(first + i) for i in range(n)]


def test_the_documents_example(serve):
    """8 accounts on 3 servers of 5: 3, 3, 2; and the summary's JSON, exactly."""
    f = Fleet(serve, la=5, ny=5, sf=5)
    f.add(*ids(8))
    dry = f.auto(strategy="balanced", dry_run=True)
    assert dry["changed"] == 8 and f.counts() == [0, 0, 0]
    assert not f.audits("allocation.auto")
    got = f.auto(strategy="balanced")
    assert got["moves"] == dry["moves"] and got["summary"] == dry["summary"]
    assert got["success"] is True and got["changed"] == got["total"] == 8
    assert (got["placed"], got["moved"], got["unallocated"]) == (8, 0, 0)
    assert got["moves"][0] == {"account_id": "99966100", "from": None,
                               "server_id": "la", "running": False}
    want = {"total_accounts": 8, "unallocated": 0, "allocated": 8, "servers": {
        "la": {"current": 3, "max": 5, "available": 2, "usage_percent": 60},
        "ny": {"current": 3, "max": 5, "available": 2, "usage_percent": 60},
        "sf": {"current": 2, "max": 5, "available": 3, "usage_percent": 40}}}
    assert got["summary"] == want and f.summary() == want
    (note,) = f.audits("allocation.auto")
    assert note["actor"] == "user:admin" and "99966107" in str(note["after"])
    # again: nothing to do, nothing said
    assert f.auto()["changed"] == 0 and len(f.audits("allocation.auto")) == 1
    # what does not fit stays without a node, and why is said
    f.add(*ids(9, 99966200))
    got = f.auto(strategy="least_loaded", max_accounts_per_server=4)
    assert got["placed"] == 4 and got["unallocated"] == 5
    assert "raise max_accounts" in got["message"]
    assert f.auto(strategy="round_robin")["placed"] == 3
    assert f.counts() == [5, 5, 5] and f.summary()["unallocated"] == 2
    f.close()


def test_requests_that_are_refused(serve):
    f = Fleet(serve)
    for body, word in (({"strategy": "best"}, "least_loaded"),
                       ({"max_accounts_per_server": 0}, "max_accounts_per"),
                       ({"dry_run": "yes"}, "dry_run"),
                       ({"stratgy": "balanced"}, "stratgy")):
        assert word in f.auto(422, **body)["error"]["message"]
    for body in ({}, {"allocations": []}, {"allocations": 7},
                 {"allocations": [7]}, {"allocations": [{"account_id": "1"}]},
                 {"allocations": [{"server_id": "la"}]}):
        assert serve.post(BASE + "/batch", body).status_code == 422, body
    many = [{"account_id": str(10000 + i), "server_id": None}
            for i in range(10001)]
    assert serve.post(BASE + "/batch",
                      {"allocations": many}).status_code == 413
    r = serve.post(BASE + "/batch", {"allocations": many[:-1]})
    details = r.json()["error"]["details"]
    assert r.status_code == 404 and details["total"] == 10000
    assert len(details["refused"]) == 500
    assert serve.get(BASE + "/findings?kind=odd").status_code == 422


def test_round_robin_goes_on_where_it_was(serve):
    f = Fleet(serve, a=9, b=9, c=9)
    for n, i in enumerate(ids(4)):
        f.add(i)
        assert f.auto(strategy="round_robin")["moves"][0]["server_id"] == (
            "abca"[n])
    f.close()


def test_rebalance_moves_as_few_as_it_can(serve):
    f = Fleet(serve, a=20, b=20, c=20)
    f.add(*ids(12), server_id="a")
    assert f.auto()["changed"] == 0 and f.counts() == [12, 0, 0]
    got = f.auto(include_allocated=True)
    assert (got["changed"], got["moved"]) == (8, 8)
    assert f.counts() == [4, 4, 4]
    before = f.where()
    assert f.auto(include_allocated=True, strategy="round_robin")["moved"] == 0
    # dealt anew: in turn, as if none had a node
    got = f.auto(reallocate=True, strategy="round_robin")
    assert got["changed"] > 4 and f.counts() == [4, 4, 4]
    assert list(f.where().values()) == list("abc" * 4)
    assert f.where() != before
    # a drain: gets nothing, gives all; an undrain brings it back
    f.change("b", draining=True)
    f.add("99966300")
    assert f.auto()["placed"] == 1 and f.counts()[1] == 4
    got = f.auto(include_allocated=True)
    assert got["moved"] == 4 and f.counts()[1] == 0
    assert got["skipped_servers"] == [{"server_id": "b", "reason": "draining"}]
    f.change("b", draining=False)
    assert f.auto(include_allocated=True)["moved"] == 4
    # nowhere to go: it stays, and that is said
    for n in "ac":
        f.change(n, max_accounts=1)
    f.change("b", draining=True)
    got = f.auto(include_allocated=True)
    assert got["moved"] == 0 and got["left_on_draining"] == f.counts()[1] == 4
    f.close()


def test_an_offline_node_gets_nothing_and_keeps_what_it_has(serve):
    f = Fleet(serve, a=20, b=20)
    f.add(*ids(6), server_id="a")
    f.nodes["a"].vanish()
    wait(lambda: serve.get(f"{API}/workers/a").json()["status"] == "offline")
    f.add("99966300")
    got = f.auto(include_allocated=True)
    assert got["skipped_servers"] == [{"server_id": "a", "reason": "offline"}]
    assert f.counts() == [6, 1]
    assert f.auto(include_allocated=True, include_offline=True)["moved"] == 2
    f.close()


def test_plain_clients_count_where_there_are_no_others(serve):
    for n in ("p1", "p2"):
        r = serve.post(API + "/workers", {"node_id": n, "max_accounts": 5})
        assert r.status_code == 201
    f = Fleet(serve)
    f.add(*ids(4))
    got = f.auto()
    assert got["placed"] == 0 and {s["reason"] for s in got["skipped_servers"]
                                   } == {"offline"}
    assert f.auto(include_offline=True, dry_run=True)["placed"] == 4
    sealed = Fleet(serve, s=9)
    assert sealed.auto(include_offline=True)["placed"] == 4
    assert f.counts() == [0, 0, 4]
    sealed.close()


def test_batch_is_all_or_nothing(serve):
    f = Fleet(serve, la=2, ny=5)
    a = ids(5)
    f.add(*a)
    got = f.batch([(a[0], "la"), ("+999 661-01", "la"), (a[2], "ny")])
    assert got["changed"] == 3 and got["summary"]["unallocated"] == 2
    assert len(f.audits("allocation.batch")) == 1
    # each that cannot be is named; the others do not move either
    error = f.batch([(a[3], "la"), ("12345", "la"), (a[2], "nowhere"),
                     (a[4], "ny"), (a[4], "la")], 404)["error"]
    refused = error["details"]["refused"]
    assert [(r["account_id"], r["code"]) for r in refused] == [
        ("12345", "not_found"), (a[2], "not_found"), (a[4], "invalid"),
        (a[3], "capacity_exceeded")]
    assert "no account 12345" in error["message"]
    assert "and 3 more" in error["message"]
    assert refused[-1]["message"] == "server la holds 2 of 2 accounts"
    assert f.where()[a[4]] is None and len(f.audits("allocation.batch")) == 1
    error = f.batch([(a[3], "la")], 409)["error"]
    assert error["code"] == "capacity_exceeded"
    assert error["message"] == "server la holds 2 of 2 accounts"
    # on a full server already: fine; and places change hands in one call
    assert f.batch([(a[0], "la")])["changed"] == 0
    assert f.batch([(a[0], "ny"), (a[2], "la")], dry_run=True)["changed"] == 2
    assert f.where()[a[0]] == "la"
    assert f.batch([(a[0], "ny"), (a[2], "la")])["changed"] == 2
    assert f.where()[a[0]] == "ny" and f.counts() == [2, 1]
    # on none
    assert f.batch([(a[0], None)])["summary"]["unallocated"] == 3
    f.close()


def test_pins(serve, tmp_path):
    f = Fleet(serve, a=3, b=3)
    x = ids(5)
    f.add(*x)
    assert f.patch(x[0], pinned_node_id="b")["pinned_node_id"] == "b"
    assert "no node z" in f.patch(x[0], 404, pinned_node_id="z")["error"][
        "message"]
    for i in x[1:3]:
        f.patch(i, pinned_node_id="b")
    f.auto()
    assert [f.where()[i] for i in x] == ["b", "b", "b", "a", "a"]
    f.change("b", draining=True)
    assert f.auto(include_allocated=True)["moved"] == 0
    f.change("b", draining=False)
    r = serve.post(f"{ACCOUNTS}/{x[0]}/move", {"server_id": "a"})
    assert r.status_code == 409 and "pinned" in r.text
    error = f.batch([(x[0], "a")], 409)["error"]
    assert "pinned to b" in error["message"]
    # If-Match counts for a pin alone, too
    r = serve.call("PATCH", f"{ACCOUNTS}/{x[0]}",
                   json={"pinned_node_id": None},
                   headers={"If-Match": '"1"'})
    assert r.status_code == 409
    assert f.patch(x[0], pinned_node_id=None)["pinned_node_id"] is None
    assert serve.post(f"{ACCOUNTS}/{x[0]}/move",
                      {"server_id": "a"}).status_code == 200
    # started without a place: where it is pinned to, or nowhere
    f.change("b", max_accounts=2)
    serve.upload(session_file(tmp_path, "99966200"))
    f.patch("99966200", pinned_node_id="b")
    start = f"{ACCOUNTS}/99966200/start"
    (failed,) = serve.post(start).json()["failed_accounts"]
    assert failed["code"] == "capacity_exceeded"
    assert "pinned to is full" in failed["error"]
    f.change("b", max_accounts=3)
    (started,) = serve.post(start).json()["successful_accounts"]
    assert started["server_id"] == "b"
    f.close()


def test_a_pinned_account_waits_for_its_node(serve, tmp_path):
    f = Fleet(serve, a=9, b=9)
    free, pinned = ids(2)
    for n in (free, pinned):
        serve.upload(session_file(tmp_path, n))
    f.patch(pinned, pinned_node_id="a")
    f.batch([(free, "a"), (pinned, "a")])
    for n in (free, pinned):
        serve.post(f"{ACCOUNTS}/{n}/start", {"wait": "10s"})
        serve.wait_account(n, status="online")
    f.nodes["a"].vanish()
    serve.wait_account(free, 15, status="online", node_id="b")
    assert f.where()[pinned] == "a"
    got = serve.get(BASE + "/findings?kind=missing").json()
    assert [(i["account_id"], i["node_id"], i["expected_node_id"])
            for i in got["items"]] == [(pinned, None, "a")]
    f.close()


def test_what_runs_is_moved_only_with_a_yes(serve, tmp_path):
    f = Fleet(serve, a=9, b=9)
    names = ids(4)
    for n in names:
        r = serve.upload(session_file(tmp_path, n))
        assert r.status_code == 200, r.text
    f.batch([(n, "a") for n in names])
    for n in names:
        r = serve.post(f"{ACCOUNTS}/{n}/start", {"wait": "10s"})
        assert r.status_code == 200, r.text
        serve.wait_account(n, status="online")
    # a rebalance would even it out, and leaves it alone
    assert f.auto(include_allocated=True)["moved"] == 0
    assert "is running" in f.batch([(names[0], "b")], 409)["error"]["message"]
    dry = f.auto(include_allocated=True, move_running=True, dry_run=True)
    assert dry["moved"] == 2 and all(m["running"] for m in dry["moves"])
    assert f.counts() == [4, 0]
    got = f.auto(include_allocated=True, move_running=True)
    assert got["moves"] == dry["moves"]
    for m in got["moves"]:
        # given back by the one, then had by the other
        wait(lambda: serve.account(m["account_id"])["lease"]["node_id"] == "b")
    assert serve.get(API + "/workers/check/duplicates").json()["total"] == 0
    f.close()


def test_findings(serve):
    f = Fleet(serve, a=9, b=9)
    assert serve.get(BASE + "/findings").json() == {
        "items": [], "total": 0, "duplicates": 0, "orphans": 0, "missing": 0,
        "foreign_reports": 0}
    f.add("99966100", server_id="a")
    # b says that it runs what is a's
    body = {"node_id": "b", "status": "online", "accounts": [
        {"account_id": "99966100", "status": "online"}]}
    f.nodes["b"].vanish()
    r = f.nodes["b"].call("POST", API + "/workers/heartbeat", json=body)
    assert r.status_code == 200, r.text
    got = serve.get(BASE + "/findings").json()
    assert got["duplicates"] == 1 and got["foreign_reports"] == 1
    (twice,) = [i for i in got["items"] if i["kind"] == "duplicate"]
    assert twice["account_id"] == "99966100" and twice["advice"]
    assert (twice["node_id"], twice["expected_node_id"]) == ("b", "a")
    only = serve.get(BASE + "/findings?kind=foreign_report").json()
    assert only["total"] == 1 and only["duplicates"] == 1
    # not said again, it is over; that it was said stays
    def over():
        return serve.get(BASE + "/findings").json()["duplicates"] == 0
    wait(over)
    assert serve.get(BASE + "/findings").json()["foreign_reports"] == 1
    f.close()


def test_openapi_names_every_field(serve):
    import yaml
    doc = yaml.safe_load(serve.get(API + "/openapi.yaml").text)
    schemas = doc["components"]["schemas"]
    f = Fleet(serve, a=9)
    f.add("99966100")

    def same(got, name):
        want = schemas[name]
        assert set(got) == set(want["properties"]), name
        for key, part in want["properties"].items():
            item = part.get("items", {})
            if "$ref" in item:
                item = schemas[item["$ref"].split("/")[-1]]
            for row in got[key] if part.get("type") == "array" else ():
                assert set(row) == set(item["properties"]), (name, key)
    f.change("a", draining=True)
    same(f.auto(), "AllocationPlan")
    f.change("a", draining=False)
    same(f.auto(), "AllocationPlan")
    assert serve.post(API + "/workers", {"node_id": "p"}).status_code == 201
    same(f.batch([("99966100", "p")]), "AllocationBatchDone")
    same(f.summary(), "AllocationSummary")
    server, _ = f.summary()["servers"].values()
    assert set(server) == set(schemas["AllocationServer"]["properties"])
    body = {"node_id": "a", "status": "online", "accounts": [
        {"account_id": "99966100", "status": "online"}]}
    f.close()
    f.nodes["a"].call("POST", API + "/workers/heartbeat", json=body)
    got = serve.get(BASE + "/findings").json()
    assert got["total"] == 2
    same(got, "AllocationFindings")


def test_command_line(serve):
    f = Fleet(serve, a=4, b=4)
    f.add(*ids(4), server_id="a")
    f.add("99966300")
    env = {"PATH": os.environ["PATH"], "TGFLEET_SERVER": serve.url,
           "TGFLEET_TOKEN": serve.token, "HOME": str(serve.folder)}

    def cli(*args, status=0):
        got = subprocess.run([program(), *args], capture_output=True, text=True,
                             timeout=60, env=env)
        assert got.returncode == status, (args, got.stdout, got.stderr)
        return got.stderr if status else got.stdout
    out = cli("allocation", "auto", "--dry-run")
    assert "would be placed" in out and f.summary()["unallocated"] == 1
    out = cli("allocation", "auto")
    assert "99966300" in out and f.counts() == [4, 1]
    out = cli("allocation", "rebalance")
    assert "say --yes" in out and out.count(" a  ") == 1
    assert f.counts() == [4, 1]
    cli("allocation", "rebalance", "--yes", "--strategy", "least_loaded")
    assert f.counts() == [3, 2]
    assert json.loads(cli("allocation", "summary", "--json")) == f.summary()
    rows = cli("allocation", "summary").splitlines()
    assert rows[0] == "5 accounts, 5 on a node, 0 on none"
    assert rows[2].split() == ["a", "3", "4", "1", "75"]
    assert "2 of 2" in cli("allocation", "batch", "99966300=a", "99966103=")
    assert f.where()["99966103"] is None
    assert "no account 77777" in cli("allocation", "batch", "77777=a", status=1)
    assert "ACCOUNT=NODE" in cli("allocation", "batch", "77777", status=2)
    cli("account", "pin", "99966103", "b")
    assert serve.account("99966103")["pinned_node_id"] == "b"
    assert "b" in cli("allocation", "auto") and f.where()["99966103"] == "b"
    cli("account", "unpin", "99966103")
    assert serve.account("99966103")["pinned_node_id"] is None
    assert "KIND" in cli("allocation", "findings")
    assert "least_loaded" in cli("allocation", "auto", "--strategy", "x",
                                 status=1)
    f.close()
