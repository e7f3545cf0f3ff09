"""Accounts behind proxies nobody here wrote (microsocks, tinyproxy) and behind an
MTProxy that Telethon, too, goes through; temporary keys over all of them.
"""
import contextlib
import json
import shutil
import socket
import subprocess
import time

import pytest

from fleet import ACCOUNTS, cli, run, wait
from mtproxy import MtProxy

ID = "9996610000"
KEY = "00112233445566778899aabbccddeeff"
PLAIN, PADDED = KEY, "dd" + KEY
TLS = "ee" + KEY + b"www.example.com".hex()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True


@contextlib.contextmanager
def process(port, *argv):
    if not shutil.which(argv[0]):
        pytest.skip(f"{argv[0]} is missing: tools/setup.sh --test")
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        wait(lambda: listens(port))
        yield port
    finally:
        p.kill()
        p.wait()


def socks5(*args):
    port = free_port()
    return process(port, "microsocks", "-i", "127.0.0.1", "-p", str(port),
                   *args)


@contextlib.contextmanager
def http_proxy(tmp_path, *lines):
    port = free_port()
    conf = tmp_path / "tinyproxy.conf"
    conf.write_text("\n".join((f"Port {port}", "Listen 127.0.0.1",
                               "Timeout 600", *lines)) + "\n")
    with process(port, "tinyproxy", "-d", "-c", str(conf)):
        yield port


def begin(fleet):
    """One account that runs on n1."""
    fleet.start("n1")
    fleet.upload(*fleet.make_keys(1))
    fleet.post(f"{ACCOUNTS}/{ID}/start", {"wait": "20s"})
    fleet.wait_online(1)


def set_route(fleet, **route):
    got = fleet.call("PATCH", f"{ACCOUNTS}/{ID}", json={"route": route or None})
    assert "password" not in got.text and "secret" not in got.text
    return got.json()["route"]


def test_route(fleet, seconds=30):
    asked = fleet.post(f"{ACCOUNTS}/{ID}/route/test")

    def done():
        test = fleet.account(ID)["route"]["test"]
        return test if test and test["command_id"] == asked[
            "command_id"] else None
    return wait(done, seconds)


test_route.__test__ = False


def fault(fleet):
    return fleet.account(ID)["last_error"]


def on_by(fleet, **route):
    """Changes the route: it stays off until it was tested, then comes on."""
    route = set_route(fleet, host="127.0.0.1", **route)
    assert not route["tested"] and route["test"] is None
    assert fault(fleet)["code"] == "route_untested"
    fleet.wait_status(ID, "offline")
    test = test_route(fleet)
    assert test["passed"], test
    assert test["result"]["latency_ms"] > 0 and test["result"]["dc_id"] == 1
    fleet.wait_online(1)
    assert fault(fleet) is None
    return test


def peers_of(fleet, name="n1"):
    """Remote ports of a node's open connections."""
    pid = fleet.workers[name].pid
    got = subprocess.run(["ss", "-tnpH"], capture_output=True, text=True)
    if got.returncode:
        return None
    return {int(line.split()[4].rsplit(":", 1)[1])
            for line in got.stdout.splitlines() if f"pid={pid}," in line}


def check_only_by(fleet, port):
    def there():
        peers = peers_of(fleet)
        return peers is None or port in peers and peers
    peers = wait(there)
    if peers is not True:
        assert not peers & {p for _, p in fleet.dcs.values()}


def test_through_socks5(fleet):
    begin(fleet)
    fleet.secrets.text("proxy password", "opensesame")
    with socks5("-u", "anna", "-P", "opensesame") as port:
        on_by(fleet, kind="socks5", port=port, user="anna",
              password="opensesame")
        check_only_by(fleet, port)
        # nothing that is stored or printed shows it
        assert b"opensesame" not in b"".join(
            p.read_bytes() for p in fleet.data.glob("*.db*"))
        assert b"opensesame" not in b"".join(
            p.read_bytes() for p in (fleet.dir / "n1").rglob("*")
            if p.is_file())
        audit = json.dumps(fleet.get("/api/v1/audit?page_size=100"))
        assert "opensesame" not in audit and "socks5" in audit
        # the node comes back with what it has, still by the proxy
        fleet.expect_lost("worker", "serve")
        fleet.workers["n1"].restart()
        fleet.wait_online(1)
        check_only_by(fleet, port)


def test_wrong_password_is_told(fleet):
    begin(fleet)
    with socks5("-u", "anna", "-P", "opensesame") as port:
        set_route(fleet, kind="socks5", host="127.0.0.1", port=port,
                  user="anna", password="wrongword")
        test = test_route(fleet)
        assert not test["passed"]
        assert f"socks5 proxy 127.0.0.1:{port}" in test["error"]
        assert "wrongword" not in test["error"]
        assert fault(fleet)["code"] == "route_untested"
        assert "did not pass" in fault(fleet)["message"]
        assert fleet.account(ID)["status"] == "offline"
        r = fleet.post(f"{ACCOUNTS}/{ID}/start", {"wait": "5s"})
        assert r["accounts_started"] == 0
        assert "route" in json.dumps(r)


def test_through_http_connect(fleet, tmp_path):
    begin(fleet)
    with http_proxy(tmp_path, "BasicAuth anna opensesame") as port:
        on_by(fleet, kind="http", port=port, user="anna",
              password="opensesame")
        check_only_by(fleet, port)
    # the proxy dies: nobody goes around it
    fleet.expect(r"role=worker ev=acc\.close")
    fleet.wait_status(ID, "error")
    before = fleet.counters()
    time.sleep(3)
    after = fleet.counters()
    assert after["connections"] == before["connections"]
    why = wait(lambda: fault(fleet))
    assert why["code"] == "proxy_error" and f":{port}" in why["message"]
    # and without a route it comes on as before
    set_route(fleet)
    fleet.wait_online(1)
    assert fleet.account(ID)["route"] is None


@pytest.mark.parametrize("secret", (PLAIN, PADDED, TLS))
def test_through_mtproxy(fleet, secret):
    begin(fleet)
    with MtProxy(secret, fleet.dcs) as p:
        on_by(fleet, kind="mtproxy", port=p.port, secret=secret)
        check_only_by(fleet, p.port)
        assert {dc for _, dc in p.seen} == {1}
        assert not p.refused
        got = fleet.command(fleet.workers["n1"].node, "send_message",
                            account_id=ID, peer="self", text="by proxy")
        assert got["state"] == "succeeded", got


def test_wrong_secret_of_an_mtproxy(fleet):
    begin(fleet)
    with MtProxy(TLS, fleet.dcs) as p:
        set_route(fleet, kind="mtproxy", host="127.0.0.1", port=p.port,
                  secret=TLS.replace("0011", "1100"))
        test = test_route(fleet)
        assert not test["passed"] and p.refused
        assert f"mtproxy proxy 127.0.0.1:{p.port}" in test["error"]


@pytest.mark.parametrize("secret", (PLAIN, PADDED))
def test_telethon_through_the_same_mtproxy(fleet, secret):
    """The proxy of these tests is one for a stranger, too."""
    telethon = pytest.importorskip("telethon")
    net = telethon.network.connection
    fleet.start_dc()
    kind = (net.ConnectionTcpMTProxyRandomizedIntermediate if secret == PADDED
            else net.ConnectionTcpMTProxyIntermediate)
    with MtProxy(secret, fleet.dcs) as p:
        async def go():
            async with fleet.signed_in(
                    "9996615001", connection=kind,
                    proxy=("127.0.0.1", p.port, KEY)) as c:
                return await c.get_me()
        assert run(go()).phone == "9996615001"
        assert p.seen


def test_the_command_line(fleet):
    begin(fleet)
    with socks5() as port:
        route = json.dumps({"kind": "socks5", "host": "127.0.0.1",
                            "port": port})
        out = cli("account", "route-set", ID, "-", fleet=fleet, input=route)
        assert "socks5" in out.stdout
        out = cli("account", "route-test", ID, "--json", fleet=fleet)
        assert json.loads(out.stdout)["passed"] is True
        fleet.wait_online(1)
        out = cli("account", "route", ID, fleet=fleet)
        assert str(port) in out.stdout
    # there is nobody any more
    fleet.expect(r"role=worker ev=acc\.close")
    out = cli("account", "route-test", ID, fleet=fleet, status=1)
    assert "refused" in out.stdout
    cli("account", "route-clear", ID, fleet=fleet)
    fleet.wait_online(1)
    bad = cli("account", "route-set", ID, "-", fleet=fleet, status=1,
              input='{"kind":"mtproxy","host":"h","port":1,"secret":"sesame"}')
    assert "sesame" not in bad.stderr and "secret" in bad.stderr


def test_temporary_keys_survive_a_killed_data_centre(fleet):
    """The data centre forgets them with its memory; new ones are made."""
    begin(fleet)
    fleet.expect_lost("dc")
    fleet.dc.kill()
    fleet.wait_status(ID, "error")
    fleet.dc.start()
    fleet.wait_online(1, 40)
    assert "auth key unknown" in fleet.dc.log_text()
    got = fleet.command(fleet.workers["n1"].node, "send_message",
                        account_id=ID, peer="self", text="after it")
    assert got["state"] == "succeeded", got
