"""`tgfleet session sign-in`: our own engine signs in, Telethon uses the session."""
import asyncio
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import time

import pytest

pytest.importorskip("telethon")

from telethon import functions  # noqa: E402
from telethon.sessions import SQLiteSession, StringSession  # noqa: E402

from fleet import Dc, cli, program, run, wait  # noqa: E402
from telethon_aim import client, code_of  # noqa: E402

ADA, DORA = "9996620001", "9996630004"


def start(dc, out, *args, **kw):
    return cli("session", "sign-in", "--telegram", dc.env_file,
               "--out", out, *args, **kw)


def keep(path, text):
    path.write_text(text + "\n")
    return path


def works(dc, out, phone):
    """Telethon, which did not make it, is at home in this session."""
    assert stat.S_IMODE(out.stat().st_mode) == 0o600

    async def go():
        c = client(dc, StringSession(out.read_text().strip()))
        await c.connect()
        me = await c.get_me()
        assert me.phone == phone
        await c.send_message("me", "from a session made by tgfleet")
        await c.disconnect()
        return me.id
    return run(go())


def secrets_of(got, *more):
    for text in (got.stdout, got.stderr):
        for secret in more:
            assert secret not in text


def test_code_from_a_file(dc, tmp_path):
    out = tmp_path / "ada.session"
    code = keep(tmp_path / "code", code_of(ADA))
    got = start(dc, out, "--phone", "+" + ADA, "--code-file", code, "--json")
    shown = json.loads(got.stdout)
    assert shown["dc_id"] == 2 and not shown["bot"]
    assert works(dc, out, ADA) == shown["user_id"]
    secrets_of(got, out.read_text().strip()[10:60], code_of(ADA))
    assert "a code was sent in the Telegram app" in got.stderr


def test_code_from_stdin_and_into_a_database(dc, tmp_path):
    out = tmp_path / "ada.session"
    start(dc, out, "--phone", ADA, "--to", "telethon",
          input=f"99999\n{code_of(ADA)}\n")

    async def go():
        c = client(dc, SQLiteSession(str(out)))
        await c.connect()
        assert (await c.get_me()).phone == ADA
        await c.disconnect()
    run(go())


def test_number_of_another_dc(dc, tmp_path):
    out = tmp_path / "dora"
    got = start(dc, out, "--phone", DORA, "--dc", "1", "--json",
                input=code_of(DORA) + "\n")
    assert json.loads(got.stdout)["dc_id"] == 3
    works(dc, out, DORA)


def test_password(dc, tmp_path):
    dc.call("/users", {"phone": ADA, "home_dc": 2, "password": "Zwei Faktoren",
                       "hint": "what for"})
    out = tmp_path / "s"
    code = keep(tmp_path / "code", code_of(ADA))
    wrong = keep(tmp_path / "wrong", "zwei faktoren")
    got = start(dc, out, "--phone", ADA, "--code-file", code,
                "--password-file", wrong, status=1)
    assert "password" in got.stderr and not out.exists()
    right = keep(tmp_path / "right", "Zwei Faktoren")
    got = start(dc, out, "--phone", ADA, "--code-file", code,
                "--password-file", right)
    works(dc, out, ADA)
    secrets_of(got, "Zwei Faktoren")
    # asked for, with a wrong one first
    got = start(dc, tmp_path / "t", "--phone", ADA,
                input=f"{code_of(ADA)}\nfalsch\nZwei Faktoren\n")
    assert "hint: what for" in got.stderr
    assert "the password is wrong" in got.stderr
    works(dc, tmp_path / "t", ADA)


def test_another_code_on_request(dc, tmp_path):
    got = start(dc, tmp_path / "s", "--phone", ADA,
                input=f"resend\nresend\nresend\n{code_of(ADA)}\n")
    for way in ("app", "by SMS", "phone call"):
        assert way in got.stderr
    assert "SEND_CODE_UNAVAILABLE" in got.stderr
    works(dc, tmp_path / "s", ADA)


def test_refusals_name_the_reason_and_leave_nothing(dc, tmp_path):
    out = tmp_path / "s"
    got = start(dc, out, "--phone", "4912345678", status=1)
    assert "PHONE_NUMBER_INVALID" in got.stderr
    assert "country code" in got.stderr
    code = keep(tmp_path / "code", "00000")
    got = start(dc, out, "--phone", ADA, "--code-file", code, status=1)
    assert "not accepted" in got.stderr
    got = start(dc, out, "--phone", ADA, input="cancel\n", status=1)
    assert "cancelled" in got.stderr
    assert dc.counters()["calls"]["auth.cancelCode"] == 1
    got = start(dc, out, "--phone", ADA, input="", status=1)
    assert "nobody answered" in got.stderr
    start(dc, out, "--phone", "ada", status=1)
    start(dc, out, status=2)
    start(dc, out, "--qr", "--phone", ADA, status=2)
    got = start(dc, out, "--phone", ADA, "--code-file", tmp_path / "never",
                "--timeout", "1s", status=1)
    assert "gave up: waiting for the code" in got.stderr
    assert not out.exists()
    out.write_text("mine")
    before = dc.counters()["handshakes"]
    got = start(dc, out, "--phone", ADA, status=1)
    assert "exists already" in got.stderr
    assert out.read_text() == "mine"
    assert dc.counters()["handshakes"] == before


def test_key_of_somebody_else_is_not_trusted(dc, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = Dc(other)
    env = json.loads(dc.env_file.read_text())
    env["keys"] = json.loads(second.env_file.read_text())["keys"]
    second.close()
    (tmp_path / "mixed.json").write_text(json.dumps(env))
    got = cli("session", "sign-in", "--telegram", tmp_path / "mixed.json",
              "--out", tmp_path / "s", "--phone", ADA, status=1)
    assert "fingerprint" in got.stderr or "key" in got.stderr
    assert not (tmp_path / "s").exists()


def test_nobody_there(dc, tmp_path):
    env = json.loads(dc.env_file.read_text())
    for it in env["dcs"]:
        it["port"] = 1
    (tmp_path / "nowhere.json").write_text(json.dumps(env))
    got = cli("session", "sign-in", "--telegram", tmp_path / "nowhere.json",
              "--out", tmp_path / "s", "--phone", ADA, status=1)
    assert "refused" in got.stderr and got.stderr.count("\n") == 1


def popen(dc, out, *args):
    return subprocess.Popen(
        [program(), "session", "sign-in", "--telegram",
         str(dc.env_file), "--out", str(out), *map(str, args)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def test_connection_lost_while_waiting_for_the_code(dc, tmp_path):
    code = tmp_path / "code"
    p = popen(dc, tmp_path / "s", "--phone", ADA, "--code-file", code)
    wait(lambda: dc.counters()["calls"].get("auth.sendCode"))
    dc.call("/faults", {"kind": "drop"})
    time.sleep(0.3)
    keep(code, code_of(ADA))
    out, err = p.communicate(timeout=30)
    assert p.returncode == 0, err
    assert dc.counters()["handshakes"] == 1
    works(dc, tmp_path / "s", ADA)


def test_interrupted_it_takes_the_code_back(dc, tmp_path):
    p = popen(dc, tmp_path / "s", "--phone", ADA, "--code-file",
              tmp_path / "never")
    wait(lambda: dc.counters()["calls"].get("auth.sendCode"))
    time.sleep(0.2)
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=30)
    assert p.returncode == 1 and "cancelled" in err
    assert dc.counters()["calls"]["auth.cancelCode"] == 1


class Terminal:
    """What a person sees and types."""

    def __init__(self, dc, out, *args):
        self.seen = ""
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execv(program(), [
                program(), "session", "sign-in", "--telegram",
                str(dc.env_file), "--out", str(out), *args])
        self.pid = pid

    def until(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode()
                except OSError:
                    break
        assert text in self.seen, self.seen

    def type(self, text):
        self.seen = ""
        os.write(self.fd, text.encode() + b"\n")

    def status(self):
        try:
            self.until("nothing like this", 30)
        except AssertionError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_person_at_a_terminal(dc, tmp_path):
    dc.call("/users", {"phone": ADA, "home_dc": 2, "password": "geheim"})
    t = Terminal(dc, tmp_path / "s", "--phone", ADA)
    t.until("code: ")
    # a connection lost meanwhile is no reason to ask again
    dc.call("/faults", {"kind": "drop"})
    time.sleep(1)
    t.type("11111")
    t.until("PHONE_CODE_INVALID")
    t.until("code: ")
    t.type(code_of(ADA))
    t.until("password: ")
    assert code_of(ADA) in t.seen  # echoed, as typed text is
    t.type("falsch")
    t.until("the password is wrong")
    t.until("verification password: ")
    t.type("geheim")
    t.until("signed in: ")
    assert "geheim" not in t.seen
    assert t.status() == 0
    works(dc, tmp_path / "s", ADA)


def test_person_who_thinks_again(dc, tmp_path):
    t = Terminal(dc, tmp_path / "s", "--phone", ADA)
    t.until("code: ")
    os.write(t.fd, b"\x03")  # Ctrl-C
    t.until("cancelled")
    assert t.status() == 1
    assert dc.counters()["calls"]["auth.cancelCode"] == 1
    assert not (tmp_path / "s").exists()


def test_signed_out_it_is_worth_nothing(dc, tmp_path):
    out = tmp_path / "s"
    start(dc, out, "--phone", DORA, input=code_of(DORA) + "\n")
    works(dc, out, DORA)

    def sign_out(status):
        return cli("session", "sign-out", "--telegram",
                   dc.env_file, "--session", out, status=status)
    assert "signed out" in sign_out(0).stdout
    assert "AUTH_KEY_UNREGISTERED" in sign_out(1).stderr

    async def go():
        c = client(dc, StringSession(out.read_text().strip()))
        await c.connect()
        assert not await c.is_user_authorized()
        await c.disconnect()
    run(go())
    keep(tmp_path / "none", "1" + "A" * 350)
    got = cli("session", "sign-out", "--telegram", dc.env_file,
              "--session", tmp_path / "none", status=1)
    assert "none" in got.stderr


def test_bot(dc, tmp_path):
    made = dc.call("/bots", {"username": "echo_bot", "home_dc": 3})
    token = keep(tmp_path / "token", made["token"])
    got = start(dc, tmp_path / "s", "--bot-token-file", token, "--json")
    shown = json.loads(got.stdout)
    assert shown["bot"] and shown["dc_id"] == 3
    assert shown["user_id"] == made["user_id"]
    secrets_of(got, made["token"])
    bad = keep(tmp_path / "bad", "1:abc")
    got = start(dc, tmp_path / "t", "--bot-token-file", bad, status=1)
    assert "ACCESS_TOKEN_INVALID" in got.stderr and "@BotFather" in got.stderr


@pytest.mark.parametrize("phone,password", [(ADA, None), (DORA, "both")])
def test_qr_code_scanned_by_telethon(dc, tmp_path, phone, password):
    import base64
    home = int(phone[5])
    user = {"phone": phone, "home_dc": home}
    dc.call("/users", user | ({"password": password} if password else {}))
    more = []
    if password:
        more = ["--password-file", keep(tmp_path / "pw", password)]
    p = popen(dc, tmp_path / "s", "--qr", "--dc", "2", *more)
    url = p.stdout.readline().strip()
    token = re.fullmatch(r"tg://login\?token=([\w-]+)", url).group(1)
    token = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    async def go():
        c = client(dc, dc_id=home)
        await c.connect()
        await c.send_code_request(phone)
        if password:
            with pytest.raises(Exception, match="password"):
                await c.sign_in(phone, code_of(phone))
            await c.sign_in(password=password)
        else:
            await c.sign_in(phone, code_of(phone))
        await c(functions.auth.AcceptLoginTokenRequest(token))
        await c.disconnect()
    run(go())
    _, err = p.communicate(timeout=30)
    assert p.returncode == 0, err
    works(dc, tmp_path / "s", phone)
