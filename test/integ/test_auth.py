"""Who may do what: users, API keys, cookies, passwords given again."""
import time

import pytest
import requests

from fleet import ACCOUNTS, API, Serve
from test_api import routes

USERS, KEYS, ME = API + "/users", API + "/api-keys", API + "/auth/me"


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    s = Serve(tmp_path_factory.mktemp("serve"), "--login-attempts", "100")
    yield s
    s.close()


def add_user(s, name, role, password="long enough"):
    r = s.post(USERS, {"name": name, "role": role, "password": password})
    assert r.status_code == 201, r.text
    return r.json()["id"]


def sign_in(s, name, password):
    return requests.post(s.url + API + "/auth/login", timeout=70, json={
        "username": name, "password": password}).status_code


def make_key(s, role, *scopes, **more):
    r = s.post(KEYS, {"name": "robot", "role": role, "scopes": scopes, **more})
    assert r.status_code == 201, r.text
    s.secrets.text("API key", r.json()["api_key"])
    return r.json()


# --- users ---

def test_a_user_is_changed_locked_out_and_removed(serve):
    uid = add_user(serve, "anna", "viewer")
    token = serve.login("anna", "long enough")
    url = f"{USERS}/{uid}"
    assert serve.get(url).json()["role"] == "viewer"
    assert serve.post(ACCOUNTS, {"account_id": "99966201"},
                      token=token).status_code == 403
    r = serve.call("PATCH", url, json={"role": "operator"})
    assert r.status_code == 200 and r.json()["role"] == "operator"
    # the sign-in there is has the new role at once
    assert serve.post(ACCOUNTS, {"account_id": "99966201"},
                      token=token).status_code == 201
    assert serve.call("PATCH", url, json={"disabled": True}).json()["disabled"]
    assert serve.get(ME, token=token).status_code == 401
    assert sign_in(serve, "anna", "long enough") == 401
    serve.call("PATCH", url, json={"disabled": False})
    token = serve.login("anna", "long enough")
    assert serve.call("DELETE", url).status_code == 200
    assert serve.get(ME, token=token).status_code == 401
    assert serve.get(url).status_code == 404
    items = serve.get(API + "/audit?target=anna").json()["items"]
    seen = {e["action"]: e for e in reversed(items)}
    assert seen["user.create"]["after"] == {"role": "viewer",
                                            "disabled": False}
    first = next(e for e in reversed(items) if e["action"] == "user.update")
    assert first["before"]["role"] == "viewer"
    assert first["after"]["role"] == "operator"
    assert seen["user.delete"]["before"]["role"] == "operator"
    assert seen["user.delete"]["after"] is None


@pytest.mark.parametrize("body", [{"role": "king"}, {"disabled": 1},
                                  {"name": "x"}, {"role": 3}])
def test_bad_changes_of_a_user(serve, body):
    assert serve.call("PATCH", USERS + "/1", json=body).status_code == 422
    assert serve.get(USERS + "/1").json()["role"] == "admin"


def test_the_last_admin_stays(serve):
    for method, body in (("PATCH", {"disabled": True}),
                         ("PATCH", {"role": "viewer"}), ("DELETE", None)):
        r = serve.call(method, USERS + "/1", json=body)
        assert r.status_code == 409, (method, r.text)
        assert "last enabled admin" in r.json()["error"]["message"]
    for uid in ("999", "x", "-1"):
        assert serve.call("DELETE", f"{USERS}/{uid}").status_code == 404


def test_passwords_are_changed_and_end_the_sign_ins(serve):
    uid = add_user(serve, "paul", "viewer", "the first one")
    token = serve.login("paul", "the first one")
    url = API + "/auth/password"
    for password, fresh, status in (("wrong one", "the second", 403),
                                    ("the first one", "short", 422)):
        r = serve.post(url, {"password": password, "new_password": fresh},
                       token=token)
        assert r.status_code == status, r.text
    assert serve.get(ME, token=token).status_code == 200
    r = serve.post(url, {"password": "the first one",
                         "new_password": "the second"}, token=token)
    assert r.status_code == 200, r.text
    assert serve.get(ME, token=token).status_code == 401
    assert sign_in(serve, "paul", "the first one") == 401
    token = serve.login("paul", "the second")
    r = serve.post(f"{USERS}/{uid}/password", {"password": "the third one"})
    assert r.status_code == 200, r.text
    assert serve.get(ME, token=token).status_code == 401
    serve.login("paul", "the third one")
    assert serve.post(f"{USERS}/999/password",
                      {"password": "the third one"}).status_code == 404


# --- API keys ---

def test_a_key_may_what_its_role_and_its_scopes_may(serve):
    scopes = {r["scope"] for r in routes() if r["scope"]}
    assert {"accounts:read", "accounts:write", "chat:write",
            "workers:read"} <= scopes
    assert not [s for s in scopes if s.split(":")[0] in
                ("auth", "users", "api-keys")]
    key = make_key(serve, "operator", "accounts:write", "jobs:read")
    assert key["role"] == "operator" and key["created_by"] == "user:admin"
    for r in routes():
        if "operator" not in r["auth"]:
            continue
        path = r["path"].replace("{", "").replace("}", "")
        covered = r["scope"] in ("accounts:read", "accounts:write",
                                 "jobs:read")
        got = serve.call(r["method"], path, token=key["api_key"])
        if covered:
            assert got.status_code not in (401, 403), (r, got.text)
        else:
            assert got.status_code == 403, (r, got.text)
    r = serve.get(API + "/workers", token=key["api_key"])
    assert "workers:read" in r.json()["error"]["message"]
    # reading is all a viewer's key may, whatever its scopes say
    viewer = make_key(serve, "viewer", "*")["api_key"]
    assert serve.get(ACCOUNTS, token=viewer).status_code == 200
    assert serve.post(ACCOUNTS, {"account_id": "99966202"},
                      token=viewer).status_code == 403


def test_no_key_makes_a_key_or_a_user(serve):
    key = make_key(serve, "admin", "*")["api_key"]
    assert serve.get(API + "/audit", token=key).status_code == 200
    for r in routes():
        if r["auth"] and not r["scope"] and "admin" in r["auth"]:
            path = r["path"].replace("{", "").replace("}", "")
            got = serve.call(r["method"], path, token=key)
            assert got.status_code == 403, (r, got.text)
            assert "no API key may" in got.json()["error"]["message"]


@pytest.mark.parametrize("change", [
    {"scopes": []}, {"scopes": ["accounts"]}, {"scopes": ["users:write"]},
    {"scopes": ["accounts:read workers:read"]}, {"scopes": "accounts:read"},
    {"scopes": ["*"] * 33}, {"scopes": [1]}, {"scopes": [""]}, {"role": "node"},
    {"expires_in": 0}, {"name": "n" * 65}, {"scopes": ["accounts:"]}])
def test_bad_keys_are_refused(serve, change):
    before = serve.get(KEYS).json()["total"]
    r = serve.post(KEYS, {"name": "bad", "role": "viewer",
                          "scopes": ["accounts:read"], **change})
    assert r.status_code == 422, r.text
    assert serve.get(KEYS).json()["total"] == before


def test_a_key_ends(serve):
    key = make_key(serve, "viewer", "accounts:read", expires_in=1)
    gone = make_key(serve, "viewer", "accounts:read")
    listed = {k["id"]: k for k in serve.get(KEYS).json()["items"]}
    assert listed[gone["id"]]["expires_at"] is None
    assert not any("api_key" in k for k in listed.values())
    assert serve.get(ACCOUNTS, token=gone["api_key"]).status_code == 200
    r = serve.call("DELETE", f"{KEYS}/{gone['id']}")
    assert r.status_code == 200
    assert serve.get(ACCOUNTS, token=gone["api_key"]).status_code == 401
    assert serve.call("DELETE", f"{KEYS}/{gone['id']}").status_code == 404
    time.sleep(1.1)
    assert serve.get(ACCOUNTS, token=key["api_key"]).status_code == 401


def test_what_a_key_did_is_in_the_audit_log_under_its_name(serve):
    key = make_key(serve, "operator", "accounts:write")
    r = serve.post(ACCOUNTS, {"account_id": "99966203"}, token=key["api_key"])
    assert r.status_code == 201
    items = serve.get(f"{API}/audit?actor=key:{key['id']}").json()["items"]
    assert [(e["action"], e["target"]) for e in items] == [
        ("account.create", "99966203")]


# --- cookies ---

def browser(serve, **headers):
    b = requests.Session()
    r = b.post(serve.url + API + "/auth/login", timeout=70, headers=headers,
               json={"username": "admin", "password": serve.password,
                     "cookie": True})
    assert r.status_code == 200, r.text
    return b, r


def test_a_browser_has_a_cookie_and_a_csrf_token(serve):
    b, r = browser(serve)
    cookie = r.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        assert part in cookie
    assert "Secure" not in cookie and "access_token" not in r.json()
    csrf = r.json()["csrf_token"]
    url = serve.url + ACCOUNTS
    me = b.get(serve.url + ME).json()
    assert me["name"] == "admin" and me["csrf_token"] == csrf
    body = {"account_id": "99966204"}
    for headers in ({}, {"X-CSRF-Token": "x"}, {"X-CSRF-Token": ""}):
        r = b.post(url, json=body, headers=headers)
        assert r.status_code == 403, r.text
        assert "X-CSRF-Token" in r.json()["error"]["message"]
    headers = {"X-CSRF-Token": csrf}
    assert b.post(url, json=body, headers=headers).status_code == 201
    # another one's does not do
    other, r = browser(serve)
    assert b.post(url, json=body, headers={
        "X-CSRF-Token": r.json()["csrf_token"]}).status_code == 403
    # the token of a cookie is no bearer token, and the other way round
    token = b.cookies["tgfleet"]
    assert serve.get(ME, token=token).status_code == 401
    r = requests.get(serve.url + ME, cookies={"tgfleet": serve.token})
    assert r.status_code == 401
    r = b.post(serve.url + API + "/auth/logout", headers=headers)
    assert r.status_code == 200 and "Max-Age=0" in r.headers["Set-Cookie"]
    r = requests.get(serve.url + ME, cookies={"tgfleet": token})
    assert r.status_code == 401
    assert other.get(serve.url + ME).status_code == 200


def test_behind_https_the_cookie_is_secure(serve):
    _, r = browser(serve, **{"X-Forwarded-Proto": "https"})
    assert "; Secure" in r.headers["Set-Cookie"]


def test_a_form_gets_no_cookie(serve):
    r = requests.post(serve.url + API + "/auth/login", data={
        "username": "admin", "password": serve.password, "cookie": "true"})
    assert r.status_code == 200 and "Set-Cookie" not in r.headers


# --- the password once more ---

def test_what_gives_access_away_asks_for_the_password_again(tmp_path):
    s = Serve(tmp_path / "fleet", "--confirm-ttl", "1s")
    marked = [r for r in routes() if r["confirm"]]
    assert {r["path"] for r in marked} >= {USERS, KEYS}
    time.sleep(1.1)
    for r in marked:
        got = s.call(r["method"], r["path"].replace("{id}", "1"))
        assert got.status_code == 403, (r, got.text)
        assert got.json()["error"]["code"] == "confirm_password"
    url = API + "/auth/confirm"
    assert s.post(url, {"password": "no"}).status_code == 403
    assert s.post(url, {}).status_code == 422
    key = {"name": "k", "role": "viewer", "scopes": ["*"]}
    assert s.post(KEYS, key).status_code == 403

    def confirmed():
        assert s.post(url, {"password": s.password}).status_code == 200
        return s.post(KEYS, key)
    # a loaded machine may take longer than a second for both
    for _ in range(20):
        r = confirmed()
        if r.status_code == 201:
            break
    assert r.status_code == 201, r.text
    s.secrets.text("API key", r.json()["api_key"])
    s.close()


def test_guessing_at_confirm_is_limited_like_signing_in(tmp_path):
    s = Serve(tmp_path / "fleet", "--login-attempts", "3")
    seen = [s.post(API + "/auth/confirm", {"password": "no"}).status_code
            for _ in range(5)]
    assert seen[0] == 403 and seen[-1] == 429
    s.close()


def test_openapi_says_what_takes_a_password_and_whose_it_is(serve):
    import yaml
    doc = yaml.safe_load(serve.get(API + "/openapi.yaml").text)
    for r in routes():
        op = doc["paths"][r["path"]][r["method"].lower()]
        assert op.get("x-classes", []) == r["auth"], r
        assert op.get("x-confirm", False) == r["confirm"], r
        assert bool(op["security"]) == bool(r["auth"]), r
