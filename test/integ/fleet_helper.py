"""Runs `tgfleet serve` and `tgfleet worker` for tests; see dc_helper for `dc`."""
import json
import pathlib
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid

from dc_helper import program


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proc:
    """A role that prints one JSON line when it is ready."""

    def __init__(self, cmd, log):
        self.cmd, self.log_path = cmd, pathlib.Path(log)
        self.proc = None

    def start(self, wait=20):
        self.log = open(self.log_path, "ab")
        self.proc = subprocess.Popen(self.cmd, stdout=subprocess.PIPE,
                                     stderr=self.log, text=True)
        if not select.select([self.proc.stdout], [], [], wait)[0]:
            self.kill()
            raise TimeoutError(f"not ready: {self.cmd[1]}\n{self.tail()}")
        line = self.proc.stdout.readline()
        if not line:
            raise RuntimeError(self.tail())
        self.ready = json.loads(line)
        assert self.ready["ready"] is True
        return self.ready

    def tail(self):
        return self.log_path.read_text()[-4000:]

    def kill(self):
        self.proc.kill()
        self.proc.wait(10)
        self.log.close()

    def signal(self, number):
        self.proc.send_signal(number)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            assert self.proc.wait(15) == 0, self.tail()

    def restart(self):
        self.kill()
        return self.start()


class Serve(Proc):
    def __init__(self, directory, beat="1s", ttl="3s", grace="1s"):
        self.dir = pathlib.Path(directory)
        self.port = free_port()
        super().__init__(
            [program(), "serve", "--listen", f"127.0.0.1:{self.port}",
             "--data", str(self.dir / "data"), "--heartbeat-interval", beat,
             "--lease-ttl", ttl, "--lease-grace", grace],
            self.dir / "serve.log")
        self.password = self.start()["admin_password"]
        self.url = self.ready["url"]
        self.token = None
        self.token = self.api("POST", "/auth/login", {
            "username": "admin", "password": self.password})["access_token"]

    def request(self, method, path, body=None, headers=None):
        req = urllib.request.Request(f"{self.url}/api/v1{path}", data=body,
                                     method=method, headers=headers or {})
        if self.token:
            req.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(req, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read() or b"null")

    def api(self, method, path, body=None):
        status, got = self.request(
            method, path, None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        assert status < 300, (method, path, status, got)
        return got

    def join_token(self):
        return self.api("POST", "/workers/join-tokens", {})["join_token"]

    def upload(self, path, **fields):
        mark = uuid.uuid4().hex
        parts = []
        for name, value in fields.items():
            parts.append(f'--{mark}\r\nContent-Disposition: form-data; '
                         f'name="{name}"\r\n\r\n{value}\r\n'.encode())
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; '
                     f'name="file"; filename="{pathlib.Path(path).name}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode()
                     + pathlib.Path(path).read_bytes() + b"\r\n")
        parts.append(f"--{mark}--\r\n".encode())
        return self.request(
            "POST", "/group-ai/accounts/upload-session", b"".join(parts),
            {"Content-Type": f"multipart/form-data; boundary={mark}"})

    def account(self, account_id):
        return self.api("GET", f"/group-ai/accounts/{account_id}")

    def wait_status(self, account_id, status, seconds=20):
        end = time.monotonic() + seconds
        while True:
            a = self.account(account_id)
            if a["status"] == status:
                return a
            assert time.monotonic() < end, json.dumps(a, indent=1)
            time.sleep(0.1)

    def command(self, node, action, params, seconds=20):
        c = self.api("POST", f"/workers/{node}/commands",
                     {"action": action, "params": params})
        end = time.monotonic() + seconds
        while c["state"] not in ("succeeded", "failed", "expired"):
            assert time.monotonic() < end, c
            time.sleep(0.1)
            c = self.api("GET",
                         f"/workers/{node}/commands/{c['command_id']}")
        return c


class Worker(Proc):
    def __init__(self, directory, serve, env, name="node-a"):
        self.dir = pathlib.Path(directory)
        self.name = name
        super().__init__(
            [program(), "worker", "--server", serve.url, "--join",
             serve.join_token(), "--state", str(self.dir / name),
             "--telegram", str(env), "--name", name],
            self.dir / f"{name}.log")
        self.node_id = self.start()["node_id"]
