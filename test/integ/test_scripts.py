"""Chat scripts as documents: stored, checked, given to nodes."""
import hashlib
import random
import subprocess
import time

import pytest
import requests

from fleet import ACCOUNTS, API, Fleet, Serve, program, wait
from plain_node import Node

SCRIPTS = API + "/group-ai/scripts"
TEXT = """schema: 2
script_id: welcome
version: "{}"
scenes:
  - id: greet
    responses: [{{template: "你好 {{{{user_name}}}}"}}]
"""


def text(n, script_id="welcome"):
    return TEXT.format(n).replace("welcome", script_id).encode()


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    s = Serve(tmp_path_factory.mktemp("serve"))
    yield s
    s.close()


@pytest.fixture()
def fresh(tmp_path):
    # a node that beat once is there for the whole test
    s = Serve(tmp_path / "fleet", beat="20s", ttl="60s", grace="2s")
    yield s
    s.close()


def create(s, data, query="", **kw):
    return s.call("POST", SCRIPTS + query, data=data, **kw)


def put(s, data, path="/welcome", **kw):
    return s.call("PUT", SCRIPTS + path, data=data, **kw)


# --- documents ---

def test_versions_etags_and_rollback(fresh):
    s = fresh
    r = create(s, text(1), "?note=first")
    assert r.status_code == 201, r.text
    one = r.json()
    assert (one["version"], one["label"], one["note"]) == (1, "1", "first")
    assert one["sha256"] == sha(text(1)) and one["author"] == "user:admin"
    assert one["content"].encode() == text(1)
    assert r.headers["ETag"] == f'"{sha(text(1))}"'
    assert create(s, text(2)).status_code == 409
    r = put(s, text(2), headers={"If-Match": f'"{sha(text(1))}"'})
    assert r.status_code == 200 and r.json()["version"] == 2, r.text
    r = put(s, text(3), headers={"If-Match": f'"{sha(text(1))}"'})
    assert r.status_code == 409 and "version 2" in r.json()["error"]["message"]
    # the same again is the same version
    assert put(s, text(2)).json()["version"] == 2
    got = s.get(SCRIPTS + "/welcome/versions").json()
    assert [v["version"] for v in got["items"]] == [2, 1]
    assert all("content" not in v for v in got["items"])
    assert s.get(SCRIPTS + "/welcome/versions/1").json()["content"
                                                         ].encode() == text(1)
    assert s.get(SCRIPTS + "/welcome/versions/3").status_code == 404
    assert s.get(SCRIPTS + "/welcome/versions/x").status_code == 422
    assert s.get(SCRIPTS + "/welcome/versions/0").status_code == 422

    r = s.post(SCRIPTS + "/welcome/versions/1/restore")
    assert r.status_code == 200, r.text
    assert r.json()["version"] == 3 and r.json()["sha256"] == sha(text(1))
    assert r.json()["note"] == "version 1 restored"
    # what is the newest already stays it
    assert s.post(SCRIPTS + "/welcome/versions/1/restore").json()["version"] == 3

    r = s.get(SCRIPTS + "/welcome/download")
    assert r.content == text(1)
    assert r.headers["Content-Type"].startswith("application/yaml")
    etag = r.headers["ETag"]
    for known, status in ((etag, 304), ("*", 304), ('"x", ' + etag, 304),
                          ('"x"', 200)):
        r = s.get(SCRIPTS + "/welcome/download",
                  headers={"If-None-Match": known})
        assert r.status_code == status, known
        assert r.headers["ETag"] == etag
    assert s.get(SCRIPTS + "/welcome/download?version=2").content == text(2)
    assert s.get(SCRIPTS).json()["items"][0]["version"] == 3
    actions = [e["action"] for e in
               s.get(API + "/audit?target=welcome").json()["items"]]
    assert actions == ["script.restore", "script.update", "script.create"]
    # all of it is there after a crash
    s.restart()
    assert s.get(SCRIPTS + "/welcome/versions").json()["total"] == 3
    assert s.get(SCRIPTS + "/welcome/download").content == text(1)


def test_an_account_has_a_script(serve):
    assert create(serve, text(1, "mine")).status_code == 201
    r = serve.post(ACCOUNTS, {"account_id": "act_1", "script_id": "mine"})
    assert r.status_code == 201 and r.json()["script_id"] == "mine"
    r = serve.call("DELETE", SCRIPTS + "/mine")
    assert r.status_code == 409 and "1 accounts" in r.json()["error"]["message"]
    r = serve.call("PATCH", ACCOUNTS + "/act_1", json={"script_id": None})
    assert serve.call("DELETE", ACCOUNTS + "/act_1").status_code == 200
    r = serve.call("DELETE", SCRIPTS + "/mine", headers={"If-Match": '"x"'})
    assert r.status_code == 409
    assert serve.call("DELETE", SCRIPTS + "/mine").status_code == 200
    assert serve.get(SCRIPTS + "/mine").status_code == 404
    assert create(serve, text(2, "mine")).json()["version"] == 1


BAD = {
    b"": "nothing in it",
    b"a: [": "line 2, column 1: while parsing a flow node",
    b"a: &a [1]\nb: [*a, *a]\n": "line 1, column 4: anchors",
    b"a: !!python/object/apply:os.system [x]\n": "tags",
    b"script_id: b\nscript_id: c\nscenes: [1]\n": "line 2, column 1",
    b"script_id: ../../etc/passwd\nscenes: [1]\n": "line 1, column 12",
    b"script_id: b\nscenes: \xc4\xe3\n": "line 2, column 9: this is no UTF-8",
    b"script_id: b\n": "no scenes",
    b"scenes: [1]\n": "no script_id",
    b"schema: 2\nscript_id: b\nscenes: [1]\n": "version is missing",
    b"script_id: b\nscenes: " + b"[" * 5000: "levels deep",
    b"script_id: b\nscenes: [" + b"1," * 200001 + b"]": "values",
}


@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_what_is_no_script_is_refused_with_its_place(serve, data):
    r = create(serve, data)
    assert r.status_code in (400, 413, 422)
    assert BAD[data] in r.json()["error"]["message"], r.text
    r = serve.call("POST", SCRIPTS + "/validate", data=data)
    assert r.status_code == 200, r.text
    notes = [n["message"] for n in r.json()["notes"]]
    if data == b"scenes: [1]\n":  # it may be given its name beside
        assert r.json()["valid"]
    else:
        assert not r.json()["valid"] and notes
    assert serve.get(SCRIPTS + "/b").status_code == 404


def test_size_is_bounded(serve):
    head = b"script_id: big\nscenes: [1]\n# "
    full = head + b"x" * (1048576 - len(head))
    assert create(serve, full + b"x").status_code == 413
    assert create(serve, full + b"x" * 5000).status_code == 413
    r = create(serve, full)
    assert r.status_code == 201 and r.json()["size"] == 1048576
    assert serve.get(SCRIPTS + "/big/download").content == full
    assert create(serve, text(1, "n"), "?note=" + "x" * 501).status_code == 413


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc", "a%2fb",
                                  "a%5cb", ".git", "a%20b", "x" * 101])
def test_names_are_no_paths(serve, name):
    for method, end in (("GET", ""), ("PUT", ""), ("GET", "/download"),
                        ("GET", "/versions"), ("GET", "/deployments"),
                        ("POST", "/versions/1/restore")):
        request = requests.Request(method, serve.url, headers={
            "Authorization": "Bearer " + serve.token}, data=text(1)).prepare()
        request.url = f"{serve.url}{SCRIPTS}/{name}{end}"
        with requests.Session() as session:
            r = session.send(request, timeout=30)
        assert r.status_code in (400, 404, 405, 422), (method, end, r.text)
    r = create(serve, b"scenes: [1]\n", "?script_id=" + name)
    assert r.status_code in (400, 422), r.text


def test_older_encodings_are_converted(serve):
    for n, encoding in enumerate(("gbk", "gb2312", "big5", "GB18030")):
        data = text(1, f"old{n}").decode().encode(encoding)
        assert create(serve, data).status_code == 422
        r = create(serve, data, "?encoding=" + encoding)
        assert r.status_code == 201, r.text
        assert r.json()["content"].encode() == text(1, f"old{n}")
    r = serve.call("POST", SCRIPTS + "/validate?encoding=gbk",
                   data=text(1).decode().encode("gbk"))
    assert r.json()["valid"]
    assert "converted from gbk" in r.json()["notes"][-1]["message"]
    assert create(serve, b"\x80", "?encoding=gbk").status_code == 422
    r = create(serve, b"x", "?encoding=utf-7")
    assert r.status_code == 422 and "utf-7" in r.json()["error"]["message"]


def test_a_name_in_any_language(serve):
    data = text(1, "欢迎新人")
    assert create(serve, data).status_code == 201
    assert serve.get(SCRIPTS + "/欢迎新人/download").content == data
    assert put(serve, text(2), "/欢迎新人").status_code == 409


# --- deployment ---

def deploy(s, *nodes, status=200, script="welcome", **more):
    r = s.post(SCRIPTS + "/deploy", {"script_id": script,
                                     "node_ids": list(nodes), **more})
    assert r.status_code == status, r.text
    return r.json()


def states(s, script="welcome"):
    got = s.get(f"{SCRIPTS}/{script}/deployments").json()
    return [(d["node_id"], d["version"], d["state"]) for d in got["items"]]


def test_deploy_to_nodes_that_are_there_and_that_are_not(fresh):
    s = fresh
    assert create(s, text(1)).status_code == 201
    here, away = Node(s, "here"), Node(s, "away")
    here.beat()
    got = deploy(s, "here", "away", "nobody")
    assert (got["total_nodes"], got["success_count"], got["failed_count"]
            ) == (3, 2, 1)
    status = {r["node_id"]: r for r in got["results"]}
    assert status["here"]["status"] == "queued"
    assert status["away"]["status"] == "pending"
    assert status["nobody"]["status"] == "failed"
    assert status["nobody"]["command_id"] is None
    assert "no node nobody" in status["nobody"]["message"]
    assert states(s) == [("away", 1, "pending"), ("here", 1, "queued")]
    # asked again, it is the same command
    again = {r["node_id"]: r for r in deploy(s, "away")["results"]}
    assert again["away"]["command_id"] == status["away"]["command_id"]

    answer = here.beat()
    (command,) = answer["pending_commands"]
    assert command["action"] == "update_script"
    params = command["params"]
    assert params == {"script_id": "welcome", "version": 1,
                      "sha256": sha(text(1)),
                      "download_url": SCRIPTS + "/welcome/download?version=1"}
    assert states(s)[1] == ("here", 1, "delivered")
    # with the node's own credentials, as a bearer and as a name and password
    assert here.call("GET", params["download_url"]).content == text(1)
    r = requests.get(s.url + params["download_url"], timeout=20,
                     auth=(here.id, here.token))
    assert r.status_code == 200 and r.content == text(1)
    assert here.call("GET", SCRIPTS).status_code == 403
    here.beat()
    assert states(s)[1] == ("here", 1, "succeeded")
    (have,) = deploy(s, "here")["results"]
    assert have["status"] == "succeeded" and "already" in have["message"]
    (forced,) = deploy(s, "here", force_update=True)["results"]
    assert forced["status"] == "queued"
    assert forced["command_id"] != have["command_id"]

    # who was away gets the one that was sent, then what came after it
    put(s, text(2))
    r = s.post(SCRIPTS + "/deploy/welcome", ["away"])
    assert r.status_code == 200 and r.json()["results"][0]["status"] == "pending"
    got = [c["params"]["version"] for c in away.beat()["pending_commands"]]
    assert got == [1, 2]
    assert away.call("GET", SCRIPTS + "/welcome/download?version=1"
                     ).content == text(1)
    away.beat()
    assert states(s)[0] == ("away", 2, "succeeded")
    actions = {e["action"] for e in
               s.get(API + "/audit?target=welcome").json()["items"]}
    assert "script.deploy" in actions


def test_bad_deployments_are_refused(serve):
    assert create(serve, text(1, "bad")).status_code == 201
    deploy(serve, "n", script="unknown", status=404)
    for body in ({}, {"script_id": "bad"}, {"script_id": "bad", "node_ids": []},
                 {"script_id": "bad", "node_ids": "n"},
                 {"script_id": "bad", "node_ids": [1]},
                 {"script_id": "bad", "node_ids": ["n", "n"]},
                 {"script_id": "bad", "node_ids": ["n"] * 1001},
                 {"script_id": "bad", "node_ids": ["n"], "more": 1},
                 {"script_id": "../x", "node_ids": ["n"]}):
        r = serve.post(SCRIPTS + "/deploy", body)
        assert r.status_code == 422, (body, r.text)
    assert serve.post(SCRIPTS + "/deploy/bad", []).status_code == 422
    assert serve.get(SCRIPTS + "/bad/deployments").json()["total"] == 0
    assert serve.get(SCRIPTS + "/nope/deployments").status_code == 404


def test_a_failed_update_says_why(fresh):
    s = fresh
    create(s, text(1))
    node = Node(s, "n")
    node.beat()
    deploy(s, "n")
    (command,) = node.beat()["pending_commands"]
    node.results = {command["command_id"]: {"success": False, "data": None,
                                            "error": "disk full"}}
    node.beat()
    (d,) = s.get(SCRIPTS + "/welcome/deployments").json()["items"]
    assert (d["state"], d["message"]) == ("failed", "disk full")
    # and is no reason not to try again
    assert deploy(s, "n")["results"][0]["status"] == "queued"


def test_roles(fresh):
    s = fresh
    create(s, text(1))
    assert s.post(API + "/users", {"name": "eve", "role": "viewer",
                                   "password": "long enough"}
                  ).status_code == 201
    eve = s.login("eve", "long enough")
    assert s.get(SCRIPTS + "/welcome/download", token=eve).status_code == 200
    assert s.call("POST", SCRIPTS + "/validate", data=text(1), token=eve
                  ).status_code == 200
    assert create(s, text(1, "x"), token=eve).status_code == 403
    assert put(s, text(2), token=eve).status_code == 403
    assert s.post(SCRIPTS + "/deploy", token=eve).status_code == 403


# --- the command line ---

def test_cli(fresh, tmp_path):
    s = fresh
    token = tmp_path / "token"
    token.write_text(s.token)
    node = Node(s, "n1")
    node.beat()

    def cli(*args, status=0, stdin=None):
        r = subprocess.run([program(), "script", args[0], "--server", s.url,
                            "--token-file", str(token), *args[1:]],
                           input=stdin, capture_output=True)
        assert r.returncode == status, r
        return (r.stdout + (r.stderr if status else b"")).decode()

    file = tmp_path / "welcome.yaml"
    file.write_bytes(text(1))
    assert "valid" in cli("validate", str(file))
    out = cli("validate", "-", stdin=b"a: *x\n", status=1)
    assert "aliases" in out and "1" in out
    assert cli("create", str(file), "--note", "hello") == "welcome version 1\n"
    assert "exists already" in cli("create", str(file), status=1)
    assert cli("edit", "welcome", "-", stdin=text(2)) == "welcome version 2\n"
    assert "hello" in cli("versions", "welcome")
    assert cli("download", "welcome").encode() == text(2)
    assert "welcome" in cli("list") and "greet" in cli("show", "welcome")
    assert "queued" in cli("deploy", "welcome", "n1")
    assert "no node n2" in cli("deploy", "welcome", "n1", "n2", status=1)
    node.beat()
    node.beat()
    assert "succeeded" in cli("deployments", "welcome")
    cli("restore", "welcome", "1")
    assert cli("download", "welcome").encode() == text(1)
    cli("delete", "welcome")
    assert "no script welcome" in cli("show", "welcome", status=1)


def test_openapi_names_every_field(fresh):
    import yaml
    s = fresh
    schemas = yaml.safe_load(s.get(API + "/openapi.yaml").text
                             )["components"]["schemas"]
    create(s, text(1))
    Node(s, "n").beat()
    result = deploy(s, "n")
    check = s.call("POST", SCRIPTS + "/validate", data=b"a: 1").json()
    row = s.get(SCRIPTS + "/welcome/deployments").json()["items"][0]
    for name, got in (("Script", s.get(SCRIPTS + "/welcome").json()),
                      ("DeployResult", result), ("ScriptCheck", check),
                      ("Deployment", row)):
        assert set(got) == set(schemas[name]["properties"]), name


# --- a node of our own ---

@pytest.fixture()
def fleet(tmp_path):
    f = Fleet(tmp_path)
    yield f
    f.close()


def kept(fleet, name, script="welcome", end=".yaml"):
    path = fleet.dir / name / "scripts" / (sha(script.encode()) + end)
    return path.read_bytes() if path.exists() else None


def settled(s, node="w"):
    """The newest deployment, once it is over."""
    def over():
        d = s.get(SCRIPTS + "/welcome/deployments").json()["items"][0]
        return d if d["state"] in ("succeeded", "failed") else None
    return wait(over, 30)


def test_a_worker_keeps_what_it_is_given(fleet):
    s = fleet.start("w").serve
    create(s, text(1))
    deploy(s, "w")
    assert settled(s)["state"] == "succeeded"
    assert kept(fleet, "w") == text(1)
    assert kept(fleet, "w", end=".before.yaml") is None
    put(s, text(2))
    deploy(s, "w")
    assert settled(s)["version"] == 2
    assert kept(fleet, "w") == text(2)
    assert kept(fleet, "w", end=".before.yaml") == text(1)
    # the same again changes nothing, not even the one before
    deploy(s, "w", force_update=True)
    d = settled(s)
    data = s.get(f"{API}/workers/w/commands/{d['command_id']}").json()["data"]
    assert data == {"changed": False}
    assert kept(fleet, "w", end=".before.yaml") == text(1)
    # back to where it was
    s.post(SCRIPTS + "/welcome/versions/1/restore")
    deploy(s, "w")
    assert settled(s)["version"] == 3 and kept(fleet, "w") == text(1)


@pytest.mark.parametrize("change, says", [
    ({"sha256": "0" * 64}, "SHA-256 differs"),
    ({"sha256": "x" * 64}, "64 hexadecimal digits"),
    ({"sha256": None}, "sha256"),
    ({"script_id": 5}, "script_id"),
    ({"download_url": "http://127.0.0.1:1/x"}, "path at the control plane"),
    ({"download_url": "@127.0.0.1:1/x"}, "path at the control plane"),
    ({"download_url": "/api/v1/x\r\nHost: y"}, "path at the control plane"),
    ({"download_url": "/api/v1/nothing"}, "answered 404"),
    ({"download_url": API + "/accounts"}, "answered 40"),
], ids=lambda v: str(v)[:24])
def test_a_worker_refuses_what_is_not_meant(small, change, says):
    s = small.serve
    params = {"script_id": "welcome", "version": 1, "sha256": sha(text(1)),
              "download_url": SCRIPTS + "/welcome/download"} | change
    r = s.post(API + "/workers/w/commands", {"action": "update_script",
                                             "params": params})
    path = f"{API}/workers/w/commands/{r.json()['command_id']}"
    done = wait(lambda: (c := s.get(path).json())["state"] == "failed" and c, 20)
    assert says in done["error"], done
    assert kept(small, "w") is None


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    f = Fleet(tmp_path_factory.mktemp("small")).start("w")
    create(f.serve, text(1))
    yield f
    f.close()


def test_kill_during_deployment(fleet):
    s = fleet.start("w").serve
    fleet.expect_lost("serve", "worker")
    worker = fleet.workers["w"]
    chance = random.Random(5)
    create(s, text(0))
    for n in range(1, 13):
        r = put(s, text(n))
        assert r.json()["version"] == n + 1, r.text
        deploy(s, "w")
        time.sleep(chance.uniform(0, 0.12))
        who = (worker, s, None)[n % 3]
        if who:
            who.restart()
        # old or new, whole in any case
        have = kept(fleet, "w")
        assert have in (None, text(n - 1), text(n))
        d = settled(s)
        assert (d["version"], d["state"]) == (n + 1, "succeeded"), d
        assert kept(fleet, "w") == text(n)
    assert s.get(SCRIPTS + "/welcome/versions").json()["total"] == 13
    assert s.get(SCRIPTS + "/welcome/deployments").json()["total"] == 12
    assert not list((fleet.dir / "w" / "scripts").glob("*.tmp"))
