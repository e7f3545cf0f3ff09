"""The command line: exit statuses, one line for an error, JSON when asked."""
import json
import re
import socket

import pytest

from fleet import cli

NOUNS = ("account", "node", "session", "chat", "job", "script")


def one_line(got):
    assert got.stderr.count("\n") == 1, got.stderr
    assert got.stderr.startswith("tgfleet "), got.stderr
    return got.stderr


def nowhere():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}"


def test_version_and_help():
    assert re.match(r"tgfleet \d\S*\n", cli("version").stdout)
    text = cli("help").stdout
    for name in (*NOUNS, "serve", "worker", "dc", "demo", "login"):
        assert re.search(rf"^\s*{name}\b", text, re.M), name
        assert "usage: tgfleet " + name in cli(name, "--help").stdout


@pytest.mark.parametrize("args", [
    (), ("frobnicate",), ("account",), ("account", "frobnicate"),
    ("account", "list", "--frobnicate"), ("account", "show"),
    ("account", "show", "1", "2"), ("session", "inspect"),
    ("account", "list", "--page", "x"), ("account", "list", "--page-size",
                                         "101"),
    ("dc", "--frobnicate"), ("serve", "extra"),
    ("serve", "--lease-ttl", "1s", "--heartbeat-interval", "1s"),
    ("serve", "--lease-ttl", "soon"), ("worker",),
    ("account", "upload", "/dev/null")], ids=" ".join)
def test_used_wrongly(args, tmp_path):
    got = cli(*args, status=2, cwd=tmp_path, env={
        "TGFLEET_SERVER": "http://127.0.0.1:1", "TGFLEET_TOKEN": "x",
        "HOME": str(tmp_path)})
    assert got.stderr and not got.stdout
    assert not list(tmp_path.iterdir())


def test_no_server(tmp_path):
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    where = nowhere()
    for args in (("account", "list"), ("node", "list"), ("session", "list"),
                 ("account", "list", "--json"), ("account", "stop", "1")):
        got = cli(*args, status=1, env=env | {
            "TGFLEET_SERVER": where, "TGFLEET_TOKEN": "t"})
        assert where.removeprefix("http://").split(":")[0] in one_line(got)
        assert not got.stdout
    # nobody said where it is
    got = cli("account", "list", status=2, env=env)
    assert "--server" in one_line(got)


def test_against_a_control_plane(fleet):
    f = fleet
    f.expect(r"role=serve ev=auth\b")
    f.start_serve()
    assert json.loads(cli("account", "list", "--json", fleet=f).stdout)[
        "items"] == []
    head, = cli("account", "list", fleet=f).stdout.splitlines()
    assert head.split()[:3] == ["ACCOUNT", "STATUS", "NODE"]
    assert "NODE" in cli("node", "list", fleet=f).stdout

    # the API's own words, in one line
    got = cli("account", "show", "9996619999", fleet=f, status=1)
    assert "9996619999" in one_line(got)
    got = cli("account", "move", "9996619999", "x", fleet=f, status=1)
    one_line(got)
    got = cli("account", "list", fleet=f, status=1,
              env={"TGFLEET_TOKEN": "tok-not-known"})
    assert "tok-not-known" not in one_line(got)

    # what is odd in a name stays a name
    for name in ("../nodes", "a/b", "a?b=c", "%41", "a b", "ä", "'; drop"):
        one_line(cli("account", "show", name, fleet=f, status=1))

    # signed in once, no environment needed after
    password = f.dir / "pw"
    password.write_text(f.password + "\n")
    cli("login", "--server", f.url, "--password-file", password, fleet=f,
        env={"TGFLEET_TOKEN": ""})
    home = {"HOME": str(f.dir), "XDG_CONFIG_HOME": str(f.dir)}
    assert "ACCOUNT" in cli("account", "list", env=home).stdout
    text = (f.dir / "tgfleet/config.yaml").read_text()
    assert f.url in text and f.password not in text
    f.secrets.text("profile's token", re.search(r'token: "(.*)"', text)[1])
    # and the token goes to no other server
    got = cli("account", "list", "--server", nowhere(), env=home, status=1)
    one_line(got)
    password.write_text("not it\n")
    got = cli("login", "--server", f.url, "--password-file", password,
              status=1, env=home)
    assert "not it" not in one_line(got)
