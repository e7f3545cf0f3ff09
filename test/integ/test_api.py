"""The REST interface of `tgfleet serve`, as processes see it."""
import base64
import datetime
import json
import os
import re
import subprocess
import time

import pytest
import requests

from fleet import ACCOUNTS, API, SLOW, START_ALL, Serve, program
from plain_node import Node, form_file, key_of, session_file


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    s = Serve(tmp_path_factory.mktemp("serve"))
    yield s
    s.close()


@pytest.fixture()
def fresh(tmp_path):
    s = Serve(tmp_path / "fleet")
    yield s
    s.close()


def routes():
    out = subprocess.run([program(), "serve", "--print-routes"], check=True,
                         capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


OPEN = {"/healthz", "/readyz", "/version", API + "/healthz", API + "/readyz",
        API + "/version", API + "/auth/login", API + "/workers/enroll"}


# --- who may come in ---

def test_open_routes_are_the_few_that_must_be():
    assert {r["path"] for r in routes() if not r["auth"]} == OPEN


@pytest.mark.parametrize("header", [
    None, "Bearer wrong", "Bearer tgn_" + "0" * 64, "Bearer ", "Basic !!",
    "Basic " + base64.b64encode(b"n1:tgn_" + b"0" * 64).decode(), "Digest x"])
def test_every_route_refuses_strangers(serve, header):
    for r in routes():
        if not r["auth"]:
            continue
        path = re.sub(r"\{\w+\}", "x", r["path"])
        got = requests.request(r["method"], serve.url + path, timeout=10,
                               headers={"Authorization": header} if header
                               else {})
        assert got.status_code == 401, (r, got.status_code)
        error = got.json()["error"]
        assert error["code"] == "unauthorized" and error["request_id"]


def test_classes_are_kept_apart(serve):
    node = Node(serve, "apart")
    for name, role in (("eve", "viewer"), ("oscar", "operator")):
        r = serve.post(API + "/users", {"name": name, "role": role,
                                        "password": "long enough"})
        assert r.status_code == 201, r.text
    tokens = {"node": node.token, "viewer": serve.login("eve", "long enough"),
              "operator": serve.login("oscar", "long enough"),
              "admin": serve.token}
    for r in routes():
        path = re.sub(r"\{\w+\}", "nobody", r["path"])
        for role, token in tokens.items():
            if not r["auth"] or role in r["auth"]:
                continue
            got = serve.call(r["method"], path, token=token)
            assert got.status_code == 403, (role, r, got.status_code)


def test_login_json_form_and_refusals(serve):
    url = serve.url + API + "/auth/login"
    r = requests.post(url, data={"username": "admin",
                                 "password": serve.password})
    assert r.status_code == 200 and r.json()["token_type"] == "bearer"
    token = r.json()["access_token"]
    assert serve.get(API + "/auth/me", token=token).json()["name"] == "admin"
    assert serve.post(API + "/auth/logout", token=token).status_code == 200
    assert serve.get(API + "/auth/me", token=token).status_code == 401
    for body in ({"username": "admin", "password": "no"},
                 {"username": "nobody", "password": "no"}):
        r = requests.post(url, json=body)
        assert r.status_code == 401
        assert r.json()["error"]["message"] == "wrong user name or password"
    assert requests.post(url, json={"username": "admin"}).status_code == 422
    assert requests.post(url, data=b"{", headers={
        "Content-Type": "application/json"}).status_code == 400
    assert requests.post(url, data=b"x", headers={
        "Content-Type": "text/plain"}).status_code == 415


def test_login_is_rate_limited(tmp_path):
    s = Serve(tmp_path, "--login-attempts", "3")
    url = s.url + API + "/auth/login"
    seen = [requests.post(url, json={"username": f"u{i}", "password": "x"})
            for i in range(5)]
    assert [r.status_code for r in seen[:3]] == [401] * 3
    assert seen[-1].status_code == 429
    assert int(seen[-1].headers["Retry-After"]) > 0
    s.end()


def test_settings_that_break_the_lease_rule_are_refused(tmp_path):
    r = subprocess.run([program(), "serve", "--data", str(tmp_path / "d"),
                        "--heartbeat-interval", "10s", "--lease-ttl", "29s"],
                       capture_output=True, text=True)
    assert r.returncode == 2 and "three heartbeat intervals" in r.stderr
    assert not (tmp_path / "d").exists()


@pytest.mark.sqlite
def test_files_are_private_and_one_process_owns_them(serve):
    data = serve.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("vault.key", "tgfleet.db"):
        assert (data / name).stat().st_mode & 0o777 == 0o600
    r = subprocess.run([program(), "serve", "--data", str(data), "--listen",
                        "127.0.0.1:0"], capture_output=True, text=True)
    assert r.returncode == 1 and "another process uses this folder" in r.stderr


# --- nodes ---

def test_enrolment_is_single_use(serve):
    join = serve.join_token()
    Node(serve, "single", join)
    r = requests.post(serve.url + API + "/workers/enroll", json={
        "join_token": join, "node_name": "second",
        "public_key": base64.b64encode(bytes(range(32))).decode()})
    assert r.status_code == 401
    ids = [n["node_id"] for n in serve.get(API + "/workers").json()["items"]]
    assert "single" in ids and "second" not in ids
    # a name that exists does not use the token up
    join = serve.join_token()
    for name, status in (("single", 409), ("third", 201)):
        r = requests.post(serve.url + API + "/workers/enroll", json={
            "join_token": join, "node_name": name,
            "public_key": base64.b64encode(bytes(range(32))).decode()})
        assert r.status_code == status, r.text
    for bad in ({"public_key": "AAAA"}, {"node_name": "heartbeat"},
                {"node_name": ""}):
        body = {"join_token": serve.join_token(), "node_name": "x",
                "public_key": base64.b64encode(bytes(32)).decode(), **bad}
        r = requests.post(serve.url + API + "/workers/enroll", json=body)
        assert r.status_code == 422, (bad, r.text)


def test_plain_client_of_the_earlier_systems(serve):
    """Only requests, the token in the URL, the old shape, no leases."""
    r = serve.post(API + "/workers", {"node_id": "los-angeles"})
    assert r.status_code == 201
    token = r.json()["node_token"]
    url = serve.url.replace("http://", f"http://los-angeles:{token}@")
    body = {"node_id": "los-angeles", "status": "online", "account_count": 1,
            "accounts": [{"account_id": "+99966 1-7777", "status": "online",
                          "script_id": "default", "message_count": 5,
                          "reply_count": 2, "group_ids": [-100123, "-42"],
                          "last_activity": "2026-11-22T09:00:00.123456",
                          "session_file": "999661777.session"}]}
    for _ in range(2):  # the second tells nothing new
        r = requests.post(url + API + "/workers/heartbeat", json=body)
        assert r.status_code == 200, r.text
    answer = r.json()
    assert answer["success"] is True and answer["node_id"] == "los-angeles"
    assert answer["pending_commands"] == [] and answer["leases"] == []
    assert answer["heartbeat_interval"] == 0.3
    acc = serve.account("999661" + "7777")
    assert acc["status"] == "online" and acc["node_id"] == "los-angeles"
    assert acc["source"] == "remote" and acc["message_count"] == 5
    # a command, delivered until it is acknowledged
    r = serve.post(API + "/workers/los-angeles/commands",
                   {"action": "start_enhanced_chat",
                    "params": {"group_id": -100123}})
    assert r.status_code == 201 and r.json()["state"] == "queued"
    cmd = r.json()["command_id"]
    for _ in range(2):
        got = requests.post(url + API + "/workers/heartbeat", json=body).json()
        (c,) = got["pending_commands"]
        assert c["command_id"] == cmd and c["params"] == {"group_id": -100123}
        assert c["action"] == "start_enhanced_chat" and c["created_at"]
    body["command_responses"] = {cmd: {"success": True, "data": {"n": 1},
                                       "error": None}}
    got = requests.post(url + API + "/workers/heartbeat", json=body).json()
    assert got["pending_commands"] == []
    r = serve.get(f"{API}/workers/los-angeles/commands/{cmd}").json()
    assert r["state"] == "succeeded" and r["data"] == {"n": 1}
    # another node's name with these credentials
    body["node_id"] = "apart"
    r = requests.post(url + API + "/workers/heartbeat", json=body)
    assert r.status_code == 403


def test_limits(serve):
    """What the node told of an account's waits, as long as each lasts."""
    def at(seconds):
        t = datetime.datetime.now(datetime.timezone.utc)
        t += datetime.timedelta(seconds=seconds)
        return t.strftime("%Y-%m-%dT%H:%M:%SZ")
    url = API + "/group-ai/accounts/99966177001"
    node = Node(serve, "patient")
    account = {"account_id": "99966177001", "status": "limited",
               "limited_until": at(600), "limits": [
                   {"method": "messages.sendMessage", "until": at(600),
                    "error": "FLOOD_WAIT_600"},
                   {"method": "sending", "peer": -1000000000007,
                    "until": at(30), "error": "SLOWMODE_WAIT_30"},
                   {"method": "users.getUsers", "until": at(-5),
                    "error": "FLOOD_WAIT_9"}]}
    body = {"node_id": node.id, "status": "online", "accounts": [account]}

    def tell():
        r = node.call("POST", API + "/workers/heartbeat", json=body)
        assert r.status_code == 200, r.text
        return serve.get(url + "/limits")
    r = tell().json()
    assert r["account_id"] == "99966177001" and r["limited_until"]
    flood, slow = r["limits"]
    assert flood["method"] == "messages.sendMessage" and flood["peer"] is None
    assert flood["error"] == "FLOOD_WAIT_600"
    assert 590 < flood["seconds_left"] <= 601
    assert slow["peer"] == -1000000000007 and slow["seconds_left"] <= 31
    assert serve.account("99966177001")["limited_until"]
    # a node that lies harms only itself
    good = account["limits"]
    for bad in ([{"method": "x", "until": at(9)}], [good[0]] * 33, [7],
                [{**good[0], "method": "m" * 129}]):
        account["limits"] = bad
        r = node.call("POST", API + "/workers/heartbeat", json=body)
        assert r.status_code in (413, 422), r.text
    assert len(serve.get(url + "/limits").json()["limits"]) == 2
    # all over
    account.update(status="online", limits=[], limited_until=None)
    assert tell().json() == {"account_id": "99966177001",
                             "limited_until": None, "limits": []}
    assert serve.get(API + "/group-ai/accounts/0/limits").status_code == 404


@pytest.mark.parametrize("body,status", [
    (b"", 400), (b"{", 400), (b"[]", 422), (b'{"accounts": 1}', 422),
    (b'{"accounts": [{"status": "online"}]}', 422),
    (b'{"accounts": [{"account_id": "1", "status": "jolly"}]}', 422),
    (b'{"accounts": [{"account_id": "1", "status": "online", '
     b'"message_count": -1}]}', 422),
    (b'{"accounts": [{"account_id": "' + b"9" * 65 + b'", '
     b'"status": "online"}]}', 422),
    (b"[" * 1000, 400)])
def test_malformed_heartbeats(serve, body, status):
    node = test_malformed_heartbeats.__dict__.setdefault("node", None)
    if node is None:
        node = test_malformed_heartbeats.node = Node(serve, "malformed")
    r = node.call("POST", API + "/workers/heartbeat", data=body,
                  headers={"Content-Type": "application/json",
                           "Authorization": "Bearer " + node.token})
    assert r.status_code == status, r.text
    assert node.beat()["success"] is True


def test_stream_answers_within_a_second(serve):
    node = Node(serve, "listener")
    node.beat()
    t = time.monotonic()
    r = node.call("GET", f"{API}/workers/{node.id}/stream?wait=300ms")
    assert r.json()["news"] is False and time.monotonic() - t >= 0.29
    import threading
    threading.Timer(0.3, lambda: serve.post(
        f"{API}/workers/{node.id}/commands", {"action": "reload"})).start()
    t = time.monotonic()
    r = node.call("GET", f"{API}/workers/{node.id}/stream?wait=10s")
    assert r.json()["news"] is True and time.monotonic() - t < 1.3
    # news that came before the poll are not missed
    r = node.call("GET", f"{API}/workers/{node.id}/stream?wait=10s")
    assert r.json()["news"] is True
    node.beat()
    r = node.call("GET", f"{API}/workers/{node.id}/stream?wait=0s")
    assert r.json()["news"] is False
    assert node.call("GET", API + "/workers/apart/stream").status_code == 403


def test_old_beats_change_nothing(serve):
    node = Node(serve, "late")
    node.beat()
    node.beat()
    node.seq -= 2
    node.seq += 0
    r = node.call("POST", API + "/workers/heartbeat", json=node.body())
    assert r.status_code == 409
    node.seq += 2
    node.beat()


# --- sessions ---

def bad_files(folder):
    good = session_file(folder, "99966180001")
    whole = good.read_bytes()
    return {
        "empty": b"",
        "truncated": whole[:len(whole) // 2],
        "truncated-header": whole[:50],
        "text": b"this is not a database at all\n" * 40,
        "no-tables": session_file(folder, "nt", tables=False).read_bytes(),
        "no-row": session_file(folder, "nr", empty=True).read_bytes(),
        "short-key": session_file(folder, "sk", key=b"k" * 255).read_bytes(),
        "long-key": session_file(folder, "lk", key=b"k" * 257).read_bytes(),
        "zero-key": session_file(folder, "zk", key=bytes(256)).read_bytes(),
        "bad-dc": session_file(folder, "bd", dc=77).read_bytes(),
    }


def test_bad_uploads_store_nothing(serve, tmp_path):
    before = serve.get(ACCOUNTS).json()["total"]
    seen = set()
    for what, data in bad_files(tmp_path).items():
        r = serve.upload((f"999661{len(seen):05d}.session", data))
        assert 400 <= r.status_code < 500, (what, r.text)
        (result,) = r.json()["results"]
        assert result["success"] is False, what
        assert result["error"]["message"] and result["error"]["code"]
        seen.add(result["error"]["message"])
    assert len(seen) >= 7, seen  # each says what is wrong with it
    r = serve.call("POST", ACCOUNTS + "/upload-session",
                   data={"attested": "true"},
                   files=[("file", ("big.session", b"\0" * 100_000_000))])
    assert r.status_code == 413
    r = serve.call("POST", ACCOUNTS + "/upload-session", data={"x": "y"})
    assert r.status_code == 415
    r = serve.call("POST", ACCOUNTS + "/upload-session",
                   files=[("attested", (None, "true"))])
    assert r.status_code == 422
    assert serve.get(ACCOUNTS).json()["total"] == before
    assert serve.get(API + "/group-ai/sessions").json()["total"] == 0


def test_upload_attested_unique_and_sealed(serve, tmp_path):
    path = session_file(tmp_path, "99966190001")
    r = serve.upload(form_file(path), attested="no")
    assert r.status_code == 422 and "attested" in r.text
    r = serve.upload(form_file(path))
    assert r.status_code == 200, r.text
    assert r.json()["results"][0]["account_id"] == "99966190001"
    acc = serve.account("99966190001")
    assert acc["attested_by"] == "user:admin" and acc["attested_at"]
    assert acc["session"]["version"] == 1 and acc["phone"] == "99966190001"
    # again: the same, nothing new
    assert serve.upload(form_file(path)).status_code == 200
    assert serve.account("99966190001")["session"]["version"] == 1
    # the same key under another name
    r = serve.upload(("99966190002.session", path.read_bytes()))
    assert r.status_code == 409 and "99966190001" in r.text
    assert serve.get(f"{ACCOUNTS}/99966190002").status_code == 404
    # another session of this account replaces it
    r = serve.upload(form_file(session_file(tmp_path, "other")),
                     account_id="+999 66 190001")
    assert r.status_code == 200, r.text
    assert serve.account("99966190001")["session"]["version"] == 2
    # several files, one bad: a result for each
    r = serve.upload(form_file(session_file(tmp_path, "99966190003")),
                     ("99966190004.session", b"nonsense"))
    assert r.status_code == 200
    assert [x["success"] for x in r.json()["results"]] == [True, False]
    # the key is nowhere in the data folder
    for f in (serve.folder / "data").iterdir():
        assert key_of("99966190001") not in f.read_bytes(), f


def test_many_files_do_not_keep_a_heartbeat_waiting(fresh, tmp_path):
    import threading
    node = Node(fresh, "a")
    files = []
    base = session_file(tmp_path, "base").read_bytes()
    for i in range(200):
        files.append((f"9996617{i:04d}.session",
                      base.replace(key_of("base"), key_of(str(i)))))
    # one refused in the middle of a commit takes no other with it
    files[100] = (files[100][0], files[99][1])
    got = []
    upload = threading.Thread(target=lambda: got.append(fresh.upload(*files)))
    upload.start()
    longest = 0
    while upload.is_alive():
        t = time.monotonic()
        node.beat()
        longest = max(longest, time.monotonic() - t)
    upload.join()
    done = got[0].json()
    assert (done["stored"], done["failed"]) == (199, 1), got[0].text[:300]
    assert [r["filename"] for r in done["results"]] == [f[0] for f in files]
    assert done["results"][100]["error"]["code"] == "duplicate"
    assert longest < 0.5 * SLOW
    assert fresh.get(ACCOUNTS).json()["total"] == 199


def test_inspect(serve, tmp_path):
    path = session_file(tmp_path, "inspected", dc=4)
    total = serve.get(ACCOUNTS).json()["total"]
    r = serve.call("POST", API + "/group-ai/sessions/inspect",
                   files=[("file", form_file(path))])
    assert r.status_code == 200, r.text
    got = r.json()
    assert got["dc_id"] == 4 and got["known_as"] is None
    import hashlib
    assert got["fingerprint"] == hashlib.sha256(key_of("inspected")).hexdigest()
    assert serve.get(ACCOUNTS).json()["total"] == total
    r = serve.call("POST", API + "/group-ai/sessions/inspect",
                   files=[("file", ("x", b"nonsense"))])
    assert r.status_code == 422


# --- accounts ---

def test_accounts_crud_filters_and_etag(serve):
    for i in range(3):
        r = serve.post(ACCOUNTS, {"account_id": f"crud_{i}", "tags": ["t"],
                                  "display_name": f"Name {i}"})
        assert r.status_code == 201, r.text
    assert serve.post(ACCOUNTS, {"account_id": "crud_0"}).status_code == 409
    assert serve.post(ACCOUNTS, {"account_id": "../x"}).status_code == 422
    assert serve.post(ACCOUNTS, {"nonsense": 1}).status_code == 422
    r = serve.get(ACCOUNTS + "?search=crud&page_size=2&sort_by=account_id"
                  "&sort_order=desc")
    assert r.json()["total"] == 3
    assert [a["account_id"] for a in r.json()["items"]] == ["crud_2", "crud_1"]
    assert serve.get(ACCOUNTS + "?page_size=101").status_code == 422
    assert serve.get(ACCOUNTS + "?sort_by=secret").status_code == 422
    assert serve.get(ACCOUNTS + "?tag=t").json()["total"] == 3
    etag = serve.get(f"{ACCOUNTS}/crud_0").headers["ETag"]
    patch = f"{ACCOUNTS}/crud_0"
    r = serve.call("PATCH", patch, json={"enabled": False},
                   headers={"If-Match": etag})
    assert r.status_code == 200 and r.json()["enabled"] is False
    assert r.headers["ETag"] != etag
    r = serve.call("PATCH", patch, json={"priority": 3},
                   headers={"If-Match": etag})
    assert r.status_code == 409
    assert serve.call("PATCH", patch, json={"status": "online"}
                      ).status_code == 422
    assert serve.get(ACCOUNTS + "?enabled=false").json()["total"] == 1
    for i in range(3):
        assert serve.call("DELETE", f"{ACCOUNTS}/crud_{i}").status_code == 200
    assert serve.call("DELETE", patch).status_code == 404
    audit = serve.get(API + "/audit?target=crud_0").json()["items"]
    assert [e["action"] for e in audit] == ["account.delete", "account.update",
                                            "account.create"]
    assert all(e["actor"] == "user:admin" for e in audit)


# --- leases, starting, stopping ---

def test_start_all_tells_the_truth_for_each(fresh, tmp_path):
    s = fresh
    for i in range(4):
        assert s.upload(form_file(session_file(tmp_path, f"9996610{i}"))
                        ).status_code == 200
    s.post(ACCOUNTS, {"account_id": "99966199"})         # no session
    s.post(ACCOUNTS, {"account_id": "99966198", "enabled": False})
    r = s.post(START_ALL).json()                         # no node at all
    assert r["accounts_started"] == 0 and r["accounts_total"] == 5
    codes = {f["account_id"]: f for f in r["failed_accounts"]}
    assert codes["99966199"]["error"] == "session file missing: 99966199.session"
    assert codes["99966199"]["code"] == "session_missing"
    assert codes["99966100"]["code"] == "capacity_exceeded"
    node = Node(s, "n1")
    node.status["99966103"] = {
        "status": "revoked", "last_error": {
            "code": "session_revoked", "message": "AUTH_KEY_UNREGISTERED",
            "advice": "sign in again"}}
    node.run()
    time.sleep(0.4)
    r = s.post(START_ALL, {"wait": "10s", "group_id": -100}).json()
    assert {a["account_id"] for a in r["successful_accounts"]} == {
        "99966100", "99966101", "99966102"}, r
    assert r["accounts_started"] == 3 and r["success"] is False
    codes = {f["account_id"]: f["code"] for f in r["failed_accounts"]}
    assert codes == {"99966103": "session_revoked",
                     "99966199": "session_missing"}
    job = s.get(f"{API}/jobs/{r['job_id']}").json()
    assert job["state"] == "succeeded" and job["result"] == r
    acc = s.account("99966103")
    assert acc["status"] == "revoked"
    assert acc["last_error"]["advice"] == "sign in again"
    # the dead one is not leased again, the others are, under their epochs
    s.wait_account("99966103", lease={"epoch": acc["lease"]["epoch"],
                                      "node_id": None})
    assert set(node.held) == {"99966100", "99966101", "99966102"}
    assert node.sessions["99966100"]["auth_key"] == base64.b64encode(
        key_of("99966100")).decode()
    assert node.sessions["99966100"]["account_id"] == "99966100"
    assert {c["action"] for c in node.commands} == {"start_account"}
    # again: all is as it was; the dead one is not tried again in bulk
    r = s.post(API + "/chat/start-all-accounts", {"wait": "5s"}).json()
    assert r["accounts_started"] == 3
    # the node dies: offline, and that is what starting says
    node.vanish()
    acc = s.wait_account("99966100", status="offline")
    assert acc["last_error"]["code"] == "node_offline"
    r = s.post(API + "/group-ai/chat-features/chat/start-all-accounts").json()
    assert r["accounts_started"] == 0
    errors = {f["account_id"]: f["error"] for f in r["failed_accounts"]}
    assert errors["99966100"] == "node offline"
    assert s.account("99966103")["status"] == "revoked"


def test_one_account_one_node_and_failover(fresh, tmp_path):
    s = fresh
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a, b = Node(s, "a"), Node(s, "b")
    a.beat()
    r = s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    assert r.status_code == 202 and r.json()["accounts_pending"] == 1
    a.beat()
    epoch = a.held["99966101"]
    b.beat()
    assert b.held == {}
    # b claims it: refused, a finding, nothing changes
    b.held = {"99966101": epoch}
    answer = b.beat()
    assert answer["leases"] == [] and b.held == {}
    assert answer["stop"][0]["account_id"] == "99966101"
    assert s.account("99966101")["node_id"] == "a"
    found = s.get(API + "/workers/check/duplicates").json()["items"]
    assert [(f["account_id"], f["node_id"]) for f in found] == [
        ("99966101", "b")]
    # a is silent; b beats on; not before ttl + grace may b have it
    a.beat()
    t = time.monotonic()
    while not b.held and time.monotonic() - t < 6:
        b.beat()
        time.sleep(0.05)
    waited = time.monotonic() - t
    assert b.held["99966101"] > epoch and waited >= 1.3, waited
    assert b.sessions["99966101"]["dc_id"] == 2
    # a comes back with its old epoch: told to stop, its word changes nothing
    a.status["99966101"] = {"status": "error", "last_error": {"code": "x"}}
    answer = a.beat()
    assert a.held == {} and answer["leases"] == []
    b.beat()
    acc = s.account("99966101")
    assert acc["status"] == "online" and acc["node_id"] == "b"
    # a's late release of the old epoch does not free b's lease
    a.released = [{"account_id": "99966101", "epoch": epoch}]
    a.beat()
    assert s.account("99966101")["lease"]["node_id"] == "b"


def test_stop_move_and_delete(fresh, tmp_path):
    s = fresh
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a, b = Node(s, "a").run(), Node(s, "b").run()
    time.sleep(0.4)
    r = s.post(f"{ACCOUNTS}/99966101/start", {"wait": "5s"})
    assert r.json()["accounts_started"] == 1, r.text
    first = s.account("99966101")["node_id"]
    other = "b" if first == "a" else "a"
    assert s.call("DELETE", f"{ACCOUNTS}/99966101").status_code == 409
    r = s.post(f"{ACCOUNTS}/99966101/move", {"server_id": other})
    assert r.status_code == 200
    assert s.post(f"{ACCOUNTS}/99966101/move", {"server_id": "nope"}
                  ).status_code == 404
    end = time.monotonic() + 5
    while s.account("99966101")["lease"]["node_id"] != other:
        assert time.monotonic() < end
        time.sleep(0.05)
    s.wait_account("99966101", status="online", node_id=other)
    assert s.post(f"{ACCOUNTS}/99966101/stop").status_code == 200
    end = time.monotonic() + 5
    while s.account("99966101")["lease"]["node_id"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert s.account("99966101")["status"] == "offline"
    assert s.call("DELETE", f"{ACCOUNTS}/99966101").status_code == 200
    assert s.get(API + "/group-ai/sessions").json()["total"] == 0
    q = s.get(API + "/group-ai/sessions?quarantined=true").json()
    assert q["total"] == 1
    a.vanish(), b.vanish()


def test_goodbye_is_offline_at_once_and_moves_later(tmp_path):
    s = Serve(tmp_path / "fleet", beat="1s", ttl="3s", grace="500ms")
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a, b = Node(s, "a"), Node(s, "b")
    a.beat()
    s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    a.beat()
    b.beat()
    # it hangs up, says so, and goes
    a.released = [{"account_id": k, "epoch": e} for k, e in a.held.items()]
    a.held, a.seq = {}, a.seq + 1
    body = {**a.body(), "status": "draining"}
    r = a.call("POST", API + "/workers/heartbeat", json=body)
    assert r.json()["leases"] == []
    assert s.get(API + "/workers/a").json()["status"] == "offline"
    s.wait_account("99966101", seconds=1, status="offline")
    t = time.monotonic()
    while not b.held and time.monotonic() - t < 8:
        b.beat()
        time.sleep(0.05)
    assert b.held and s.account("99966101")["node_id"] == "b"
    assert time.monotonic() - t > 2  # a node that restarts keeps its accounts
    s.end()


def test_session_address_is_one_use_and_node_bound(fresh, tmp_path):
    s = fresh
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a, b = Node(s, "a"), Node(s, "b")
    a.beat()
    s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    urls = []
    a.fetch, fetch = (lambda url: urls.append(url)), a.fetch
    a.beat()
    (url,) = urls
    assert b.call("GET", url).status_code == 403
    assert s.get(url).status_code == 403
    got = fetch(url)
    assert base64.b64decode(got["auth_key"]) == key_of("99966101")
    assert got["update_state"] == {"pts": 10, "qts": 0, "date": 1700000000,
                                   "seq": 3}
    assert a.call("GET", url).status_code == 403
    audit = s.get(API + "/audit?action=session.deliver").json()
    assert audit["total"] == 1
    assert audit["items"][0]["actor"] == "node:a"


def test_counters_count_once(fresh, tmp_path):
    s = fresh
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a = Node(s, "a")
    a.beat()
    s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    a.beat()
    a.counts["99966101"] = (3, 1)
    a.beat()
    again = a.body()
    for _ in range(3):  # the same beat, delivered again
        assert a.call("POST", API + "/workers/heartbeat",
                      json=again).status_code == 200
    acc = s.account("99966101")
    assert (acc["message_count"], acc["reply_count"]) == (3, 1)
    a.counts["99966101"] = (5, 1)
    a.beat()
    assert s.account("99966101")["message_count"] == 5
    a.boot_id, a.seq = "another", 0  # the node started again: from zero
    a.counts["99966101"] = (2, 0)
    a.beat()
    a.beat()
    acc = s.account("99966101")
    assert (acc["message_count"], acc["reply_count"]) == (7, 1)


def test_an_idempotency_key_outlives_kill_9(fresh):
    def ask(label, token=None):
        return fresh.post(API + "/workers/join-tokens", {"label": label},
                          headers={"Idempotency-Key": "k"}, token=token)

    first = ask("a")
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    fresh.kill()
    fresh.start()
    again = ask("a")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = ask("b")
    assert other.status_code == 409
    assert "take a new one" in other.json()["error"]["message"]
    # a key is its user's own
    r = fresh.post(API + "/users", {"name": "anna", "role": "admin",
                                    "password": "correct horse"})
    assert r.status_code == 201
    theirs = ask("a", token=fresh.login("anna", "correct horse"))
    assert theirs.status_code == 201 and theirs.content != first.content
    listed = fresh.get(API + "/workers/join-tokens").json()
    assert listed["total"] == 2


def test_restart_keeps_everything_and_holds_leases(tmp_path):
    s = Serve(tmp_path / "fleet")
    s.upload(form_file(session_file(tmp_path, "99966101")))
    a, b = Node(s, "a"), Node(s, "b")
    a.beat()
    s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    a.beat()
    a.beat()
    before = s.account("99966101")
    instance = s.ready["instance_id"]
    s.kill()
    t = time.monotonic()
    s.start()
    assert "admin_password" not in s.ready
    assert s.ready["instance_id"] == instance
    after = s.account("99966101")
    same = ("session", "desired", "node_id", "enabled", "attested_at", "lease")
    assert {k: after[k] for k in same} == {k: before[k] for k in same}
    s.post(f"{ACCOUNTS}/99966101/move", {"server_id": "b"})
    while not b.held and time.monotonic() - t < 6:
        b.beat()
        time.sleep(0.05)
    assert b.held and time.monotonic() - t >= 1.3
    assert b.held["99966101"] > before["lease"]["epoch"]
    s.end()


# --- secrets ---

def test_no_secret_in_any_log(fresh, tmp_path):
    s = fresh
    s.upload(form_file(session_file(tmp_path, "99966101")))
    join = s.join_token()
    a = Node(s, "a", join)
    a.beat()
    s.post(f"{ACCOUNTS}/99966101/start", {"wait": "0s"})
    a.beat()
    a.beat()
    requests.post(s.url + API + "/auth/login",
                  json={"username": "admin", "password": "hunter2-wrong"})
    log = s.log_text()
    key = key_of("99966101")
    for secret in (s.password, s.token, a.token, join, "hunter2-wrong",
                   key.hex(), base64.b64encode(key).decode(),
                   (s.folder / "data/vault.key").read_text().strip()):
        assert secret not in log
    db = b"".join(f.read_bytes() for f in (s.folder / "data").iterdir()
                  if f.name.startswith("tgfleet.db"))
    for secret in (s.password, s.token, a.token, join):
        assert secret.encode() not in db


def test_openapi_names_every_route_and_no_other(serve):
    import yaml
    text = serve.get(API + "/openapi.yaml").text
    doc = yaml.safe_load(text)
    described = {(m.upper(), p) for p, item in doc["paths"].items()
                 for m in item}
    assert described == {(r["method"], r["path"]) for r in routes()}


def test_lost_admin_password_is_reset_at_the_start(fresh):
    s = fresh
    old_password, old_token = s.password, s.token
    r = s.post(API + "/users", {"name": "eve", "role": "viewer",
                                "password": "long enough"})
    assert r.status_code == 201, r.text
    eve = s.login("eve", "long enough")
    s.end()
    s.start()
    assert "admin_password" not in s.ready
    s.end()
    s.argv.append("--reset-admin-password")
    s.start()
    assert s.ready["admin_password"] not in (None, old_password)
    assert s.call("GET", API + "/auth/me", token=old_token).status_code == 401
    assert s.call("GET", API + "/auth/me", token=eve).status_code == 200
    r = requests.post(s.url + API + "/auth/login", timeout=10,
                      json={"username": "admin", "password": old_password})
    assert r.status_code == 401
    audit = s.get(API + "/audit?action=user.reset").json()["items"]
    assert [(e["actor"], e["target"]) for e in audit] == [("serve", "admin")]
    assert s.password not in s.log_text()
    s.end()
    # the next start, without the option, keeps it
    s.argv.pop()
    s.start()
    assert "admin_password" not in s.ready


def test_openapi_names_every_field_that_comes_back(fresh, tmp_path):
    import yaml
    s = fresh
    doc = yaml.safe_load(s.get(API + "/openapi.yaml").text)
    s.upload(form_file(session_file(tmp_path, "99966101")))
    node = Node(s, "a").run()
    time.sleep(0.4)
    job = s.post(START_ALL, {"wait": "5s"}).json()["job_id"]
    schemas = doc["components"]["schemas"]
    for name, path in (("Account", ACCOUNTS + "/99966101"),
                       ("AccountStatus", ACCOUNTS + "/99966101/status"),
                       ("AccountList", ACCOUNTS), ("Node", API + "/workers/a"),
                       ("NodeList", API + "/workers"),
                       ("SessionList", API + "/group-ai/sessions"),
                       ("Job", f"{API}/jobs/{job}"), ("JobList", API + "/jobs"),
                       ("Totals", API + "/stats/today"),
                       ("UserList", API + "/users"), ("Me", API + "/auth/me"),
                       ("Version", API + "/version"),
                       ("CommandList", API + "/workers/a/commands"),
                       ("JoinTokenList", API + "/workers/join-tokens")):
        got = s.get(path).json()
        want = schemas[name]["properties"]
        assert set(got) == set(want), name
        if name.endswith("List"):
            item = want["items"]["items"]
            item = schemas[item["$ref"].split("/")[-1]] if "$ref" in item else item
            for row in got["items"]:
                # a list may leave out what only the single thing shows
                assert set(row) <= set(item["properties"]), name
    node.vanish()
