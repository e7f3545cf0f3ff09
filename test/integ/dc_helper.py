"""Runs `tgfleet dc` for tests: start, stop, kill, admin calls, Telethon clients.

TGFLEET names the program; the default is the debug build of this tree.
"""
import json
import os
import pathlib
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
API_ID, API_HASH = 4242, "0123456789abcdef0123456789abcdef"


def program():
    name = os.environ.get("TGFLEET")
    if name:
        return name
    for build in ("debug", "release", "asan"):
        path = ROOT / "build" / build / "tgfleet"
        if path.exists():
            return str(path)
    raise FileNotFoundError("no tgfleet: build it, or set TGFLEET")


class Dc:
    """One data centre process; `dir` keeps its state over restarts."""

    def __init__(self, directory, *args, state=True):
        self.dir = pathlib.Path(directory)
        self.args = list(args)
        self.state = state
        self.proc = None
        self.start()

    def start(self):
        cmd = [program(), "dc", "--write-key", str(self.dir / "key.pem"),
               "--write-env", str(self.dir / "env.json"), *self.args]
        if self.state:
            cmd += ["--state", str(self.dir / "dc.db")]
        self.log = open(self.dir / "dc.log", "ab")
        self.proc = subprocess.Popen(cmd, stdout=subprocess.PIPE,
                                     stderr=self.log, text=True)
        if not select.select([self.proc.stdout], [], [], 20)[0]:
            self.kill()
            raise TimeoutError("tgfleet dc did not become ready")
        line = self.proc.stdout.readline()
        if not line:
            raise RuntimeError((self.dir / "dc.log").read_text()[-2000:])
        ready = json.loads(line)
        assert ready["ready"] is True
        self.dcs = {d["id"]: (d["address"], d["port"]) for d in ready["dcs"]}
        self.admin = ready["admin"]
        self.pem = (self.dir / "key.pem").read_text()

    def kill(self):
        """As a crash would: SIGKILL."""
        self.proc.kill()
        self.proc.wait(10)
        self.log.close()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            assert self.proc.wait(10) == 0, "dc did not end cleanly"
        self.proc.stdout.close()
        self.log.close()

    def restart(self):
        self.kill()
        self.start()

    def call(self, path, body=None, status=200):
        req = urllib.request.Request(
            f"http://{self.admin}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(req, timeout=20) as answer:
                got, text = answer.status, answer.read()
        except urllib.error.HTTPError as e:
            got, text = e.code, e.read()
        assert got == status, (got, text)
        return json.loads(text)

    def counters(self):
        return self.call("/counters")

    def account(self, phone):
        for a in self.call("/accounts")["accounts"]:
            if a["phone"] == phone:
                return a
        raise KeyError(phone)

    def wait(self, condition, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)


def trust(pem):
    """Telethon knows our key, and only ours."""
    from telethon.crypto import rsa
    rsa._server_keys.clear()
    rsa.add_key(pem, old=False)


def client(dc, session=None, dc_id=1, **kwargs):
    """A Telethon client aimed at one of our data centres."""
    from telethon import TelegramClient
    from telethon.sessions import StringSession

    trust(dc.pem)
    if getattr(dc, "config_of", None) is not TelegramClient:
        # kept by the class, so it may be that of another test's data centre
        TelegramClient._config = TelegramClient._cdn_config = None
        dc.config_of = TelegramClient
    if session is None:
        session = StringSession()
    if isinstance(session, (str, pathlib.Path)):
        from telethon.sessions import SQLiteSession
        session = SQLiteSession(str(session))
    if not session.auth_key:
        session.set_dc(dc_id, *dc.dcs[dc_id])
    kwargs.setdefault("device_model", "tgfleet test")
    return TelegramClient(session, API_ID, API_HASH, connection_retries=3,
                          retry_delay=0.3, **kwargs)


def code_of(phone):
    return phone[5] * 5


async def sign_in(c, phone):
    await c.connect()
    await c.send_code_request(phone)
    return await c.sign_in(phone, code_of(phone))
