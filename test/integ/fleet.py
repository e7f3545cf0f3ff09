"""A whole fleet for tests: data centre, control plane and nodes as processes, and
Telethon, which nobody here wrote, beside them.

Everything a process says goes to <dir>/<name>.log (stderr) and .out (stdout).
Fleet.close() ends what was started and then reads all of it: a warning that no
test announced, an internal error, a secret or a process left behind is a failure.
"""
import asyncio
import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import struct
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
# pytest --database postgresql: a server, where each control plane gets a database.
POSTGRES = None
API = "/api/v1"
ACCOUNTS = API + "/group-ai/accounts"
START_ALL = API + "/group-ai/chat/start-all-accounts"
UPLOAD = ACCOUNTS + "/upload-session"
# A sanitizer build is several times slower.
SLOW = float(os.environ.get("TGFLEET_SLOW", "1"))
BAD_WORDS = ("ev=bug", "Sanitizer", "runtime error:", "level=error",
             "level=bug", "panic")


def program():
    for var in ("TGFLEET_BIN", "TGFLEET"):
        if os.environ.get(var):
            return os.environ[var]
    for build in ("release", "debug"):
        for path in ("tgfleet",):
            if (ROOT / "build" / build / path).exists():
                return str(ROOT / "build" / build / path)
    raise FileNotFoundError("no tgfleet: run make, or set TGFLEET_BIN")


def wait(what, seconds=15, every=0.03):
    """What `what()` gives once it is true; how it looked last, if never."""
    end = time.monotonic() + seconds * SLOW
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, (
            f"waited {seconds} s: {getattr(what, '__name__', what)}: {got!r}")
        time.sleep(every)


class Proc:
    """One role; started again with the same arguments after a kill."""

    def __init__(self, folder, name, argv):
        self.name, self.argv = name, [program(), *argv]
        self.out = pathlib.Path(folder) / f"{name}.out"
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.popen = None
        self.ready = {}

    def start(self, seconds=20):
        begin = self.out.stat().st_size if self.out.exists() else 0
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            self.popen = subprocess.Popen(self.argv, stdout=out, stderr=log,
                                          stdin=subprocess.DEVNULL)

        def first_line():
            assert self.popen.poll() is None, (
                f"{self.name} ended: {self.log.read_text()[-2000:]}")
            text = self.out.read_bytes()[begin:]
            return text.split(b"\n")[0] if b"\n" in text else None
        self.ready = json.loads(wait(first_line, seconds))
        assert self.ready["ready"] is True
        return self

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def kill(self):
        """As a crash or the machine's end would: no chance to tidy up."""
        assert self.alive(), f"{self.name} had ended by itself"
        self.popen.kill()
        self.popen.wait(10)

    def restart(self):
        self.kill()
        return self.start()

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def end(self, seconds=15):
        """SIGTERM, and an orderly end within `seconds`."""
        if not self.alive():
            return
        self.popen.terminate()
        self.popen.send_signal(signal.SIGCONT)
        try:
            status = self.popen.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            status = "none: it had to be killed"
        assert status == 0, f"{self.name}: status {status}"

    def log_text(self):
        return self.log.read_text(errors="replace")

    def check_log(self):
        bad = [line for line in self.log_text().splitlines()
               if any(w in line for w in BAD_WORDS)]
        assert not bad, f"{self.name}: " + "\n".join(bad[:20])

    def memory(self):
        """Proportional and resident bytes."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return tuple(int(re.search(rf"^{k}:\s+(\d+)", text, re.M)[1]) * 1024
                     for k in ("Pss", "Rss"))


class Secrets:
    """What must not be printed, with every spelling it could have."""

    def __init__(self):
        self.patterns = []

    def text(self, name, value):
        self.patterns.append((name, value.encode()))

    def word(self, name, value):
        """A short one: only standing alone."""
        self.patterns.append((name, re.compile(
            rb"(?<![0-9A-Za-z])" + value.encode() + rb"(?![0-9A-Za-z])")))

    def key(self, name, raw):
        """Fragments, so that a part of it is found as well."""
        for at in (0, len(raw) // 2, len(raw) - 27):
            part = raw[at:at + 12]
            self.patterns += [(name + " raw", part),
                              (name + " hex", part.hex().encode()),
                              (name + " HEX", part.hex().upper().encode())]
            for shift in range(3):
                part = raw[at + shift:at + shift + 24]
                self.patterns += [
                    (name + " base64", base64.b64encode(part)),
                    (name + " base64url", base64.urlsafe_b64encode(part))]

    def find(self, data):
        return sorted({name for name, p in self.patterns
                       if (p.search(data) if isinstance(p, re.Pattern)
                           else p in data)})


def telethon_string(dc_id, ip, port, key):
    packed = struct.pack(">B4sH256s", dc_id,
                         bytes(map(int, ip.split("."))), port, key)
    return "1" + base64.urlsafe_b64encode(packed).decode()


class Dc(Proc):
    """A data centre; `folder` keeps its state over restarts."""

    def __init__(self, folder, *args, logs=None):
        self.dir = pathlib.Path(folder)
        self.env_file = self.dir / "telegram.json"
        self.expected_duplicates = 0
        super().__init__(logs or self.dir, "dc", [
            "dc", "--state", str(self.dir / "dc.db"), "--write-env",
            str(self.env_file), *args])
        self.start()
        self.argv += ["--admin", self.ready["admin"]]

    def start(self, seconds=20):
        super().start(seconds)
        self.env = json.loads(self.env_file.read_text())
        self.dcs = {d["id"]: (d["address"], d["port"])
                    for d in self.ready["dcs"]}
        return self

    def call(self, path, body=None, status=200):
        """The admin port."""
        url = f"http://{self.ready['admin']}{path}"
        r = (requests.get(url, timeout=30) if body is None
             else requests.post(url, json=body, timeout=60))
        assert r.status_code == status, r.text
        return r.json()

    def counters(self):
        return self.call("/counters")

    def account(self, phone):
        """What was counted of one user."""
        for a in self.call("/accounts")["accounts"]:
            if a["phone"] == phone:
                return a
        raise KeyError(phone)

    def close(self):
        """The end of a test that has nothing but this."""
        counters = self.counters() if self.alive() else None
        self.end()
        self.check_log()
        if counters:
            assert counters["auth_key_duplicates"] == self.expected_duplicates


class Serve(Proc):
    """A control plane with short intervals, in its own folder; call() and what
    is built on it give answers as they came."""

    def __init__(self, folder, *args, beat="300ms", ttl="1s", grace="300ms",
                 logs=None, secrets=None, db=None, password=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.secrets = secrets or Secrets()
        self.password, self.shown = password, []
        if db:
            args += "--db", db
        elif POSTGRES:
            args += "--db", POSTGRES.create(f"t{time.monotonic_ns()}")
        super().__init__(logs or self.folder, "serve", [
            "serve", "--data", str(self.folder / "data"), "--listen",
            "127.0.0.1:0", "--heartbeat-interval", beat, "--lease-ttl", ttl,
            "--lease-grace", grace, *args])
        self.start()
        self.argv[self.argv.index("--listen") + 1] = (
            self.url.removeprefix("http://"))

    def start(self, seconds=20):
        super().start(seconds)
        self.url = self.ready["url"]
        if "admin_password" in self.ready:
            self.password = self.ready["admin_password"]
            self.shown.append(b'"admin_password":"%s"'
                              % self.password.encode())
            self.secrets.text("admin password", self.password)
        self.token = self.login("admin", self.password)
        return self

    def login(self, name, password):
        r = requests.post(self.url + API + "/auth/login", timeout=20, json={
            "username": name, "password": password})
        assert r.status_code == 200, r.text
        token = r.json()["access_token"]
        self.secrets.text("API token", token)
        return token

    def call(self, method, path, *, token=None, http=requests, **kw):
        kw.setdefault("timeout", 70)
        headers = kw.pop("headers", {})
        headers.setdefault("Authorization", "Bearer " + (token or self.token))
        return http.request(method, self.url + path, headers=headers, **kw)

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, json={} if body is None else body, **kw)

    def upload(self, *files, **form):
        """Files are paths or (name, bytes)."""
        form.setdefault("attested", "true")
        parts = [("file", (f.name, f.read_bytes()) if hasattr(f, "name")
                  else f) for f in files]
        return self.call("POST", UPLOAD, data=form, files=parts, timeout=120)

    def account(self, account_id):
        r = self.get(f"{ACCOUNTS}/{account_id}")
        assert r.status_code == 200, r.text
        return r.json()

    def wait_account(self, account_id, seconds=5, **want):
        def there():
            acc = self.account(account_id)
            return acc if all(acc[k] == v for k, v in want.items()) else None
        try:
            return wait(there, seconds)
        except AssertionError:
            raise AssertionError((want, self.account(account_id))) from None

    def join_token(self):
        r = self.post(API + "/workers/join-tokens")
        assert r.status_code == 201, r.text
        token = r.json()["join_token"]
        self.secrets.text("join token", token)
        return token

    def printed(self):
        """But the admin's password in the line that is there to print it."""
        out = self.out.read_bytes()
        for line in self.shown:
            out = out.replace(line, b"", 1)
        return self.log.read_bytes() + b"\n" + out

    def close(self):
        """The end of a test that has nothing but this."""
        self.end()
        self.check_log()
        assert not self.secrets.find(self.printed())


class Fleet:
    def __init__(self, folder, beat="400ms", ttl="1500ms", grace="400ms"):
        self.dir = pathlib.Path(folder)
        self.logs = self.dir / "logs"
        self.logs.mkdir(parents=True)
        self.timing = {"beat": beat, "ttl": ttl, "grace": grace}
        self.ttl = float(ttl.removesuffix("ms")) / 1000
        self.dc = self.serve = None
        self.workers, self.expected = {}, []
        self.secrets = Secrets()
        self.duplicates = 0
        self.http = requests.Session()

    # ---- the processes

    def start_dc(self, *args, count=3):
        self.dc = Dc(self.dir, "--dc-count", str(count), *args,
                     logs=self.logs)
        self.env_file = self.dc.env_file
        return self.dc

    def start_serve(self, *args):
        self.serve = Serve(self.dir, *args, **self.timing, logs=self.logs,
                           secrets=self.secrets)
        self.data = self.dir / "data"
        return self.serve

    env = property(lambda self: self.dc.env)
    dcs = property(lambda self: self.dc.dcs)
    url = property(lambda self: self.serve.url)
    token = property(lambda self: self.serve.token)
    password = property(lambda self: self.serve.password)

    def start_worker(self, name):
        w = Proc(self.logs, name, [
            "worker", "--server", self.url, "--join", self.join_token(),
            "--state", str(self.dir / name), "--telegram",
            str(self.env_file), "--name", name])
        self.workers[name] = w
        w.start()
        w.node = w.ready["node_id"]
        token = json.loads((self.dir / name / "node.json").read_text())
        self.secrets.text(f"{name}'s token", token["token"])
        return w

    def start(self, *workers):
        self.start_dc()
        self.start_serve()
        for name in workers:
            self.start_worker(name)
        return self

    def expect(self, *patterns):
        """Warnings that belong to what the test is about to do."""
        self.expected += [re.compile(p) for p in patterns]

    def expect_lost(self, *names):
        """The others may say that these are away."""
        if "serve" in names:
            self.expect(r"role=worker ev=(hb|session|enrol)\b")
        if "dc" in names:
            self.expect(r"role=worker ev=acc\.(close|state)\b",
                        # temporary keys were in its memory
                        r"role=dc ev=dc\.conn .*auth key unknown")
        if "worker" in names:
            self.expect(r"role=serve ev=(node|lease)\b",
                        r"role=dc ev=dc\.conn\b",
                        r"role=worker ev=(hb|lease|acc\.\w+)\b",
                        r"role=worker ev=loop\.slow\b")

    # ---- the REST interface

    def call(self, method, path, status=(200, 201, 202, 204), **kw):
        r = self.serve.call(method, path, http=self.http, **kw)
        if status:
            want = status if isinstance(status, tuple) else (status,)
            assert r.status_code in want, f"{method} {path}: {r.text}"
        return r

    def get(self, path, **kw):
        return self.call("GET", path, **kw).json()

    def post(self, path, body=None, **kw):
        return self.call("POST", path, json=body or {}, **kw).json()

    def join_token(self):
        return self.serve.join_token()

    def upload(self, *files, status=200, **form):
        r = self.serve.upload(*files, **form)
        want = status if isinstance(status, tuple) else (status,)
        assert r.status_code in want, r.text
        return r.json()

    def accounts(self):
        """All of them, by id; {} while the control plane is away."""
        got, page = {}, 1
        try:
            while True:
                r = self.call("GET", f"{ACCOUNTS}?page_size=100&page={page}")
                items = r.json()["items"]
                got.update((a["account_id"], a) for a in items)
                if len(got) >= r.json()["total"] or not items:
                    return got
                page += 1
        except requests.ConnectionError:
            return {}

    def account(self, account_id):
        return self.get(f"{ACCOUNTS}/{account_id}")

    def statuses(self):
        return {i: a["status"] for i, a in self.accounts().items()}

    def wait_online(self, count, seconds=20):
        def online():
            s = self.statuses()
            n = sum(v == "online" for v in s.values())
            return s if n == count else None
        try:
            wait(online, seconds)
        except AssertionError:
            s = self.statuses()
            odd = {i: v for i, v in s.items() if v != "online"}
            raise AssertionError(
                f"{len(s) - len(odd)} of {count} online: "
                f"{dict(list(odd.items())[:10])}") from None
        return self.accounts()

    def wait_status(self, account_id, status, seconds=15):
        def there():
            a = self.accounts().get(account_id)
            return a if a and a["status"] == status else None
        try:
            return wait(there, seconds)
        except AssertionError:
            raise AssertionError(self.account(account_id)) from None

    def command(self, node, action, seconds=15, **params):
        c = self.post(f"{API}/workers/{node}/commands",
                      {"action": action, "params": params})

        def done():
            got = self.get(f"{API}/workers/{node}/commands/{c['command_id']}")
            return got if got["state"] in ("succeeded", "failed",
                                           "expired") else None
        return wait(done, seconds)

    # ---- the data centre's admin port

    def admin(self, path, body=None, status=200):
        return self.dc.call(path, body, status)

    def counters(self):
        return self.dc.counters()

    def seen(self, phone):
        return self.dc.account(phone)

    def make_keys(self, count, first=0):
        """Signed-in sessions without the key exchange: [(name, bytes)]."""
        made = self.admin("/authkeys", {"count": count, "first": first})
        files = []
        for k in made["authkeys"]:
            key = base64.b64decode(k["auth_key"])
            if len(self.secrets.patterns) < 300:
                self.secrets.key(f"key of {k['phone']}", key)
            files.append((k["phone"] + ".session", telethon_string(
                k["dc_id"], k["address"], k["port"], key).encode()))
        return files

    # ---- Telethon

    @contextlib.asynccontextmanager
    async def signed_in(self, phone, session=None, **kw):
        import telethon_aim
        c = telethon_aim.client(self.dc, session, int(phone[5]), **kw)
        await telethon_aim.sign_in(c, phone)
        try:
            yield c
        finally:
            await c.disconnect()

    def sign_in(self, phone, **kw):
        """Leaves Telethon's .session file."""
        path = self.dir / f"{phone}.session"

        async def go():
            async with self.signed_in(phone, path, **kw) as c:
                return (await c.get_me()).id
        self.user_id = run(go())
        with contextlib.closing(sqlite3.connect(path)) as db:
            key, = db.execute("select auth_key from sessions").fetchone()
        self.secrets.key(f"key of {phone}", key)
        return path

    # ---- the end

    def texts(self):
        for p in (self.dc, self.serve, *self.workers.values()):
            if p:
                yield p, p.log.read_bytes(), p.out.read_bytes()

    def printed(self):
        """(name, bytes) of all that was printed, but the admin's password in
        the one line that is there to print it."""
        for p, log, out in self.texts():
            yield p.name, (p.printed() if p is self.serve
                           else log + b"\n" + out)

    def check_printed(self):
        bad = []
        for name, text in self.printed():
            bad += [f"{name} printed the {s}" for s in self.secrets.find(text)]
            for line in text.decode(errors="replace").splitlines():
                if any(w in line for w in BAD_WORDS):
                    bad.append(f"{name}: {line}")
                elif "level=warn" in line and not any(
                        p.search(line) for p in self.expected):
                    bad.append(f"{name}: unexpected: {line}")
        assert not bad, "\n".join(bad[:20])

    def leftovers(self):
        mine = os.fsencode(str(self.dir))
        for p in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = p.read_bytes()
                if mine in words and b"tgfleet" in words:
                    yield p.parent.name

    def end_all(self):
        """Orderly; returns what the data centre had counted."""
        self.check_printed()
        # goodbyes: accounts find a place elsewhere, a last beat finds nobody
        self.expect(r"role=worker ev=hb err=\w+ .*seq=\d+",
                    r"role=serve ev=node .*placed elsewhere",
                    r"role=serve ev=node .*to=offline why=goodbye")
        bad, counters = [], None
        if self.dc and self.dc.alive():
            counters = self.counters()
        for p in (*self.workers.values(), self.serve, self.dc):
            try:
                if p:
                    p.end()
            except AssertionError as e:
                bad.append(str(e))
        assert not bad, bad
        return counters

    def close(self):
        try:
            counters = self.end_all()
        finally:
            self.http.close()
            left = list(self.leftovers())
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        assert not left, f"processes left behind: {left}"
        if counters:
            assert counters["auth_key_duplicates"] == self.duplicates
        self.check_printed()


def run(coro, seconds=90):
    return asyncio.run(asyncio.wait_for(coro, seconds * SLOW))


def cli(*args, fleet=None, status=0, env=None, **kw):
    """A command line; its standard output, and its error text in .stderr."""
    full = {k: v for k, v in os.environ.items()
            if not k.startswith("TGFLEET_")}
    if fleet:
        full |= {"TGFLEET_SERVER": fleet.url, "TGFLEET_TOKEN": fleet.token,
                 "HOME": str(fleet.dir), "XDG_CONFIG_HOME": str(fleet.dir)}
    got = subprocess.run([program(), *map(str, args)], env=full | (env or {}),
                         capture_output=True, text=True, timeout=120, **kw)
    if status is not None:
        assert got.returncode == status, (got.returncode, got.stdout,
                                          got.stderr)
    return got
