"""A node written in Python (requests and libsodium only), and session files as
their program writes them."""
import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import pathlib
import sqlite3
import threading

import requests

from fleet import API

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


def session_file(folder, name, key=None, dc=2, tables=True, empty=False):
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
