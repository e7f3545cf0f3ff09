"""What process tests share: a control plane in its own folder, nodes written in
Python (requests and libsodium only), session files as their programs write them."""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("TGFLEET_BIN", str(ROOT / "build/debug/tgfleet"))
API = "/api/v1"
ACCOUNTS = API + "/group-ai/accounts"


class Serve:
    """`tgfleet serve` with short intervals; everything it printed is kept."""

    def __init__(self, folder, *options, beat="300ms", ttl="1s", grace="300ms"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.options = ["--data", str(self.folder / "data"),
                        "--listen", "127.0.0.1:0",
                        "--heartbeat-interval", beat, "--lease-ttl", ttl,
                        "--lease-grace", grace, "--start-timeout", "5s",
                        *options]
        self.log = open(self.folder / "serve.log", "ab")
        self.password = None
        self.proc = None
        self.start()

    def start(self):
        self.proc = subprocess.Popen([BIN, "serve", *self.options],
                                     stdout=subprocess.PIPE, stderr=self.log)
        line = self.proc.stdout.readline()
        assert line, (self.folder / "serve.log").read_text()
        self.ready = json.loads(line)
        assert self.ready["ready"] is True
        self.url = self.ready["url"]
        self.password = self.ready.get("admin_password", self.password)
        self.token = self.login("admin", self.password)

    def login(self, name, password):
        r = requests.post(self.url + API + "/auth/login", timeout=10,
                          json={"username": name, "password": password})
        assert r.status_code == 200, r.text
        return r.json()["access_token"]

    def call(self, method, path, *, token=None, **kw):
        kw.setdefault("timeout", 30)
        headers = kw.pop("headers", {})
        headers.setdefault("Authorization", "Bearer " + (token or self.token))
        return requests.request(method, self.url + path, headers=headers, **kw)

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, json={} if body is None else body, **kw)

    def upload(self, *files, **form):
        form.setdefault("attested", "true")
        return self.call("POST", ACCOUNTS + "/upload-session", data=form,
                         files=[("file", f) for f in files])

    def account(self, account_id):
        r = self.get(f"{ACCOUNTS}/{account_id}")
        assert r.status_code == 200, r.text
        return r.json()

    def wait_account(self, account_id, seconds=5, **want):
        end = time.monotonic() + seconds
        while True:
            acc = self.account(account_id)
            if all(acc[k] == v for k, v in want.items()):
                return acc
            assert time.monotonic() < end, (want, acc)
            time.sleep(0.05)

    def join_token(self):
        r = self.post(API + "/workers/join-tokens")
        assert r.status_code == 201, r.text
        return r.json()["join_token"]

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            assert self.proc.wait(15) == 0

    def log_text(self):
        return (self.folder / "serve.log").read_text(errors="replace")


_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
assert _sodium.sodium_init() >= 0


class Node:
    """A node that keeps leases honestly but has no Telegram: an account is online
    as soon as its session was fetched and opened."""

    def __init__(self, serve, name, join=None):
        self.serve, self.name = serve, name
        self.public, self.secret = (ctypes.create_string_buffer(32)
                                    for _ in range(2))
        _sodium.crypto_box_keypair(self.public, self.secret)
        self.boot_id = os.urandom(8).hex()
        self.seq = 0
        self.held, self.sessions, self.released = {}, {}, []
        self.results, self.commands = {}, []
        self.status = {}  # account id -> what to report instead of online
        self.counts = {}
        self.stopping = threading.Event()
        self.thread = None
        r = requests.post(serve.url + API + "/workers/enroll", timeout=10, json={
            "join_token": join or serve.join_token(), "node_name": name,
            "public_key": base64.b64encode(self.public.raw).decode(),
            "version": "test", "hostname": "test"})
        assert r.status_code == 201, r.text
        self.id, self.token = r.json()["node_id"], r.json()["node_token"]

    def call(self, method, path, **kw):
        return self.serve.call(method, path, token=self.token, **kw)

    def report(self, account_id):
        status = dict(self.status.get(account_id, {"status": "online"}))
        messages, replies = self.counts.get(account_id, (0, 0))
        return {"account_id": account_id, "epoch": self.held[account_id],
                "message_count": messages, "reply_count": replies, **status}

    def body(self):
        return {"node_id": self.id, "status": "online",
                "boot_id": self.boot_id, "seq": self.seq, "full": True,
                "accounts": [self.report(a) for a in self.held],
                "held": [{"account_id": a, "epoch": e}
                         for a, e in self.held.items()],
                "released": self.released,
                "command_responses": self.results}

    def beat(self):
        self.seq += 1
        r = self.call("POST", API + "/workers/heartbeat", json=self.body())
        assert r.status_code == 200, r.text
        self.released, self.results = [], {}
        self.obey(r.json())
        return r.json()

    def obey(self, answer):
        leases = {l["account_id"]: l for l in answer["leases"]}
        for stop in answer["stop"]:
            self.released.append({"account_id": stop["account_id"],
                                  "epoch": stop["epoch"]})
        self.held = {a: l["epoch"] for a, l in leases.items()}
        for account_id, lease in leases.items():
            if lease["session"] and lease["session"]["url"]:
                self.sessions[account_id] = self.fetch(lease["session"]["url"])
        for c in answer["pending_commands"]:
            self.commands.append(c)
            self.results[c["command_id"]] = {"success": True, "data": None,
                                             "error": None}

    def fetch(self, url):
        r = self.call("GET", url)
        assert r.status_code == 200, r.text
        out = ctypes.create_string_buffer(len(r.content) - 48)
        assert _sodium.crypto_box_seal_open(
            out, r.content, ctypes.c_ulonglong(len(r.content)), self.public,
            self.secret) == 0
        return json.loads(out.raw)

    def run(self):
        """Beats in the background, at once when the long poll says so."""
        def loop():
            while not self.stopping.is_set():
                try:
                    self.beat()
                    self.call("GET", f"{API}/workers/{self.id}/stream?wait=250ms")
                except (requests.ConnectionError, AssertionError):
                    self.stopping.wait(0.1)
        self.thread = threading.Thread(target=loop, daemon=True)
        self.thread.start()
        return self

    def vanish(self):
        self.stopping.set()
        if self.thread:
            self.thread.join()


def key_of(name):
    return hashlib.shake_256(name.encode()).digest(256)


def telethon(folder, name, key=None, dc=2, tables=True, empty=False):
    """A .session file as Telethon writes it."""
    path = pathlib.Path(folder) / f"{name}.session"
    if path.exists():
        path.unlink()
    db = sqlite3.connect(path)
    db.execute("create table version (version integer primary key)")
    db.execute("insert into version values (7)")
    if tables:
        db.execute("create table sessions (dc_id integer primary key, "
                   "server_address text, port integer, auth_key blob, "
                   "takeout_id integer)")
        db.execute("create table entities (id integer primary key, "
                   "hash integer not null, username text, phone integer, "
                   "name text, date integer)")
        db.execute("create table sent_files (md5_digest blob, "
                   "file_size integer, type integer, id integer, hash integer, "
                   "primary key(md5_digest, file_size, type))")
        db.execute("create table update_state (id integer primary key, "
                   "pts integer, qts integer, date integer, seq integer)")
        if not empty:
            db.execute("insert into sessions values (?,?,?,?,null)",
                       (dc, "127.0.0.1", 443,
                        key_of(name) if key is None else key))
        db.execute("insert into entities values (777000, 5, null, null, "
                   "'Telegram', 0)")
        db.execute("insert into update_state values (0, 10, 0, 1700000000, 3)")
    db.commit()
    db.close()
    return path


def form_file(path):
    return (path.name, path.read_bytes(), "application/octet-stream")
