"""What the benchmarks share: memory and processor of a process, a crowd of clients
of one library in a process of its own, tables."""
import base64
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "integ"), str(ROOT / "test" / "interop")]
sys.dont_write_bytecode = True

from fleet import program  # noqa: E402

TEXT = "a message of ordinary length, as people send"
SOURCE = "9996620001"  # who says it: none of make_keys()
SPARE_FDS = 200


def cpu(pid):
    """Seconds of all its threads, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)


def memory(pid):
    """Bytes of its own; what it shares with files is not in it."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss_Anon:\s+(\d+)", text, re.M)[1]) * 1024


def settled(pid):
    """Memory once it does not move any more."""
    last, same = memory(pid), 0
    for _ in range(60):
        time.sleep(0.25)
        now = memory(pid)
        same = same + 1 if abs(now - last) < 65536 else 0
        last = now
        if same >= 6:
            break
    return last


def until(what, seconds=120, every=0.02):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s")
        time.sleep(every)


def room_for(connections):
    """Each end of a connection is an open file of some process."""
    need = connections + SPARE_FDS
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < need:
        sys.exit(f"bench: {connections} connections need {need} open files, "
                 f"and the limit is {hard}: raise it (ulimit -Hn {need})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def built(name):
    """A program of test/, beside the tgfleet that is measured."""
    return str(pathlib.Path(program()).with_name("test") / name)


class Lines:
    """A process that is asked by a line and answers with a line of JSON."""

    def __init__(self, argv, log, cwd=None):
        self.log = pathlib.Path(log)
        self.proc = subprocess.Popen(
            argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(self.log, "wb"), text=True)
        self.pid = self.proc.pid

    def read(self):
        for line in self.proc.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.proc.args[0]} ended:\n" +
                           self.log.read_text(errors="replace")[-2000:])

    def write(self, text):
        self.proc.stdin.write(text + "\n")
        self.proc.stdin.flush()

    def close(self):
        if self.proc.stdin.closed:
            return
        self.proc.stdin.close()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()


class Load(Lines):
    """test/bench/load.c"""

    def __init__(self, dc, keys, folder):
        path = pathlib.Path(folder) / "load.keys"
        path.write_text("".join(
            f"{k['dc_id']} {base64.b64decode(k['auth_key']).hex()}\n"
            for k in keys))
        super().__init__([built("bench/load"), str(dc.env_file), str(path)],
                         pathlib.Path(folder) / "load.log")
        assert self.read() == {"keys": len(keys)}

    def order(self, text):
        self.write(text)
        [value] = self.read().values()
        return value

    def count(self):
        return self.order("count")


class Crowd(Lines):
    """A script of test/interop that obeys the lines of lines.mjs."""

    def __init__(self, argv, log):
        super().__init__(argv, log, cwd=ROOT / "test" / "interop")
        self.next_id = 0

    def ask(self, do, **what):
        self.next_id += 1
        self.write(json.dumps({"id": self.next_id, "do": do, **what}))
        while (got := self.read()).get("id") != self.next_id:
            pass
        if "error" in got:
            raise RuntimeError(f"{self.proc.args[1]}: {do}: {got['error']}")
        return got

    def count(self):
        return self.ask("count")["received"]


def make_keys(dc, count, first):
    """Saved sessions, without the key exchange."""
    return dc.call("/authkeys", {"count": count, "first": first})["authkeys"]


class Spent:
    """Wall and processor seconds of a piece of work."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.wall, self.cpu = time.monotonic(), cpu(self.pid)
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self.wall
        self.cpu = cpu(self.pid) - self.cpu


def kib(x):
    return f"{x / 1024:,.2f} KiB" if x < 10240 else f"{x / 1024:,.0f} KiB"


def mib(x):
    return f"{x / 1048576:,.1f} MiB"


def us(x):
    return f"{x * 1e6:,.1f} µs" if x < 1e-4 else f"{x * 1e6:,.0f} µs"


def plain(rows):
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, width)).rstrip()
                     for r in rows)


def markdown(rows):
    head, *rest = ("| " + " | ".join(r) + " |" for r in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest]) + "\n"


def where():
    """Today, and this machine."""
    cpu_name = re.search(r"^model name\s*: (.*)$",
                         pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return (f"{datetime.date.today()}, "
            f"{cpu_name[1].strip() if cpu_name else platform.machine()}, "
            f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, "
            "everything on this one machine:\n\n")


def write_table(path, name, text):
    """Between the comments of that name in the page."""
    page = pathlib.Path(path).read_text()
    begin, end = f"<!-- bench: {name} -->\n", f"<!-- end: {name} -->\n"
    head, rest = page.split(begin, 1)
    tail = rest.split(end, 1)[1]
    pathlib.Path(path).write_text(head + begin + where() + text + end + tail)
