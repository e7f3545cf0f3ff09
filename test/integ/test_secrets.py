"""A whole run, and then everything that was written: no secret anywhere but
where it belongs, and no file that others could read."""
import pathlib
import re
import stat

import pytest

pytest.importorskip("telethon")

from fleet import API, START_ALL, Secrets, cli, wait  # noqa: E402

# the code is 33333; no other number here has it
ANN, BEN = "9996630001", "9996630002"


def test_patterns_find_what_they_must():
    key = bytes(range(1, 255)) + b"\xfb\xff"
    s = Secrets()
    s.key("k", key)
    s.word("code", "33333")
    import base64
    for shift in range(3):
        for enc in (base64.b64encode, base64.urlsafe_b64encode):
            assert s.find(b"x=" + enc(b"\0" * shift + key)) == [
                "k base64"] or s.find(enc(b"\0" * shift + key))
    assert s.find(b'{"k":"' + key.hex().encode()[:40]) == ["k hex"]
    assert s.find(key.hex().upper().encode()) == ["k HEX"]
    assert s.find(b"code=33333 ") == ["code"]
    assert not s.find(b"933333 0x33333f")
    assert not s.find(b"nothing here")


def whole_run(f):
    """Sign-in, upload by both ways, refusals, start, stop, move, revoke."""
    f.expect(r"ev=session why=\"upload refused\"", r"ev=acc\.\w+ .*acc=%s" % BEN,
             r"role=serve ev=(auth|http)\b")
    f.secrets.word("login code", "33333")
    f.start("node-a", "node-b")
    f.upload(f.sign_in(ANN))
    path = f.sign_in(BEN)
    cli("account", "upload", "--attested", path, fleet=f)
    cli("session", "inspect", path)
    cli("session", "inspect", "--json", path)
    f.upload(("9996631111.session", path.read_bytes()), status=409)
    f.upload(("9996631112.session", path.read_bytes()[:-1]), status=(400, 422))
    password = f.dir / "password"
    password.write_text(f.password)
    password.chmod(0o600)
    cli("login", "--password-file", password, fleet=f)
    cli("login", "--password-file", "/etc/hostname", fleet=f, status=1)
    # tokens that are refused may not be repeated either
    for wrong in ("wrong-" + f.token, f.token[:-1]):
        r = f.http.get(f.url + API + "/workers",
                       headers={"Authorization": "Bearer " + wrong})
        assert r.status_code == 401
    r = f.http.get(f"{f.url}{API}/group-ai/accounts?token={f.token}",
                   headers={"Authorization": "Bearer " + f.token})
    assert r.status_code in (200, 400)
    assert f.post(START_ALL, {"wait": "30s"})["accounts_started"] == 2
    cli("account", "stop", ANN, fleet=f)
    f.wait_status(ANN, "offline")
    cli("account", "start", ANN, fleet=f)
    f.wait_status(ANN, "online")
    f.admin("/sessions/revoke", {"phone": BEN})
    f.wait_status(BEN, "revoked")
    for path in ("/audit", "/group-ai/sessions", "/workers", "/jobs",
                 "/workers/join-tokens", "/metrics", "/users"):
        r = f.call("GET", API + path, status=200)
        assert not f.secrets.find(r.content), path
    f.expect_lost("worker", "serve")
    w = f.workers["node-a"]
    w.kill()
    w.start()
    f.serve.kill()
    f.serve.start()
    wait(lambda: f.seen(ANN)["online"] == 1)


def files(folder):
    return [p for p in pathlib.Path(folder).rglob("*") if p.is_file()]


def test_no_secret_where_it_does_not_belong(fleet):
    f = fleet
    whole_run(f)
    # while all of it runs: the write-ahead logs are there too
    databases = [p for p in files(f.data) if ".db" in p.name]
    assert any(p.name.endswith("-wal") for p in databases)
    node_key = (f.dir / "node-a" / "node.key").read_text().strip()
    f.secrets.text("node's private key", node_key)
    f.secrets.key("node's private key", bytes.fromhex(node_key))
    vault = (f.data / "vault.key").read_text().strip()
    f.secrets.text("vault key", vault)
    f.secrets.key("vault key", bytes.fromhex(vault))
    check_files(f, databases)
    f.end_all()
    check_files(f, databases)
    for name, text in f.printed():
        assert not f.secrets.find(text), name
    check_modes(f)


def check_files(f, databases):
    for p in databases:
        if p.exists():
            assert not f.secrets.find(p.read_bytes()), p
    # a node keeps sessions sealed, its own token and key aside
    for p in files(f.dir / "node-a") + files(f.dir / "node-b"):
        if p.name not in ("node.key", "node.json"):
            assert not f.secrets.find(p.read_bytes()), p


def check_modes(f):
    for folder in (f.data, f.dir / "node-a", f.dir / "node-b"):
        for p in [folder, *folder.rglob("*")]:
            mode = stat.S_IMODE(p.stat().st_mode)
            want = 0o700 if p.is_dir() else 0o600
            assert mode == want, f"{p}: {mode:o}"
    for p in (f.dir / "dc.db", f.dir / "tgfleet" / "config.yaml"):
        assert stat.S_IMODE(p.stat().st_mode) == 0o600, p
    assert stat.S_IMODE((f.dir / "tgfleet").stat().st_mode) == 0o700


def test_password_is_printed_once(fleet):
    fleet.expect_lost("serve")
    fleet.start_serve()
    fleet.serve.kill()
    fleet.serve.start()
    assert "admin_password" not in fleet.serve.ready
    out = fleet.serve.out.read_text()
    assert len(re.findall(re.escape(fleet.password), out)) == 1
