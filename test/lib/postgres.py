#!/usr/bin/env python3
"""A private PostgreSQL for tests: started here, on loopback, gone afterwards.

    test/lib/postgres.py COMMAND [ARG ...]

runs COMMAND with TEST_POSTGRES set to the address of an empty database; its exit
status is COMMAND's.  `from postgres import Postgres` is the same for pytest.  The
server is the distribution's (tools/setup.sh --test); as root it runs as the
package's user, for it refuses to be root.
"""
import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def bindir():
    dirs = sorted(glob.glob("/usr/lib/postgresql/*/bin"),
                  key=lambda d: int(d.split("/")[4]))
    if not dirs:
        sys.exit("PostgreSQL is not installed: run tools/setup.sh --test")
    return dirs[-1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    """fsync off: what is tested is us, not the server's disk."""

    def __init__(self, fsync=False):
        self.bin = bindir()
        self.dir = tempfile.mkdtemp(prefix="pg-", dir="/tmp")
        self.data = os.path.join(self.dir, "data")
        self.port = free_port()
        self.process = None
        self.fsync = fsync
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        self.owner = {}
        if user:
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.owner = {"user": user.pw_uid, "group": user.pw_gid,
                          "extra_groups": []}
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "tgfleet",
                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                 "tgfleet", "tgfleet")

    def run(self, tool, *args):
        got = subprocess.run([f"{self.bin}/{tool}", *args], cwd=self.dir,
                             capture_output=True, text=True, **self.owner)
        if got.returncode:
            raise RuntimeError(f"{tool}: {got.stderr}")
        return got.stdout

    def start(self):
        on = "on" if self.fsync else "off"
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.bin}/postgres", "-D", self.data,
                 "-c", f"port={self.port}", "-c", f"fsync={on}",
                 "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "max_connections=50"],
                cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **self.owner)
        for _ in range(600):
            ready = subprocess.run(
                [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p",
                 str(self.port)], cwd=self.dir)
            if ready.returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(open(os.path.join(self.dir, "log")).read())

    def url(self, database="tgfleet"):
        return f"postgresql://tgfleet@127.0.0.1:{self.port}/{database}"

    def create(self, database):
        """An empty database of this name."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U",
                 "tgfleet", database)
        return self.url(database)

    def kill(self):
        """As if it had crashed; start() recovers."""
        self.stop(signal="immediate")

    def stop(self, signal="immediate"):
        if self.process and self.process.poll() is None:
            self.run("pg_ctl", "-D", self.data, "-m", signal, "-w", "stop")
            self.process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    pg = Postgres()
    try:
        env = dict(os.environ, TEST_POSTGRES=pg.url())
        return subprocess.run(sys.argv[1:], env=env).returncode
    finally:
        pg.close()


if __name__ == "__main__":
    sys.exit(main())
