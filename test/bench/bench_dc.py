#!/usr/bin/python3
"""What the emulator carries: 10,000 connections that are online and silent, and
messages a second of processor time, which is what one core does.

    bench_dc.py [--connections 10000] [--table docs/bench.md]

The other ends are test/bench/load.c.  Three ways of saying something: one post in
a channel that all are in (each connection gets a packet with one message), twenty
messages to everybody (a packet holds several), and calls of clients (each a query,
its answer, a push to nobody).  With --state everything is in SQLite before it is
told.

Exit 1: a connection was lost, or an idle one costs the emulator more than
--budget KiB.
"""
import argparse
import pathlib
import sys
import tempfile
import time

from measure import (ROOT, SOURCE, TEXT, Load, Spent, kib, make_keys, markdown,
                     mib, plain, room_for, settled, until, write_table)

from fleet import Proc  # noqa: E402

GOAL_CONNECTIONS, GOAL_RATE = 10000, 50000
POSTS, EACH, SENT, SENDERS = 10, 20, 20000, 1000


class Bare(Proc):
    """A data centre, with its state in memory or in a file."""

    def __init__(self, folder, state):
        self.env_file = pathlib.Path(folder) / "telegram.json"
        argv = ["dc", "--dc-count", "1", "--write-env", str(self.env_file)]
        if state:
            argv += ["--state", str(pathlib.Path(folder) / "dc.db")]
        super().__init__(folder, "dc", argv)
        self.start()

    def call(self, path, body=None):
        import requests
        url = f"http://{self.ready['admin']}{path}"
        r = (requests.get(url, timeout=60) if body is None
             else requests.post(url, json=body, timeout=300))
        r.raise_for_status()
        return r.json()


def say_all(dc, load, count, posts):
    """Messages a processor second of the emulator."""
    base, n = load.count(), 0
    with Spent(dc.pid) as spent:
        for body, heard in posts:
            dc.call("/messages", {"from": SOURCE, "text": TEXT, **body})
            n += heard
            if heard == count:  # one turn's worth: let them hear it
                until(lambda: load.count() >= base + n)
        until(lambda: load.count() >= base + n)
    return n / spent.cpu


def measure(dc, load, keys):
    r, count = {}, len(keys)
    empty = settled(dc.pid)
    with Spent(dc.pid) as spent:
        load.order(f"connect {count}")
    r["connect"] = spent.cpu
    r["idle"] = (settled(dc.pid) - empty) / count
    r["total"] = settled(dc.pid)
    with Spent(dc.pid) as spent:
        time.sleep(10)
    r["idle_cpu"] = spent.cpu / spent.wall
    channel = dc.call("/channels", {
        "title": "all", "creator": SOURCE,
        "members": [k["phone"] for k in keys]})["channel_id"]
    time.sleep(2)  # they hear that they are in it
    r["channel"] = say_all(dc, load, count, [
        ({"channel": channel}, count)] * POSTS)
    r["private"] = say_all(dc, load, count, [
        ({"to": k["phone"], "count": EACH}, EACH) for k in keys])
    with Spent(dc.pid) as spent:
        sent = load.order(f"send {SENT} {min(SENDERS, count)}")
    r["calls"] = sent / spent.cpu
    return r


def run(count, state):
    with tempfile.TemporaryDirectory() as tmp:
        dc = Bare(tmp, state)
        try:
            dc.call("/users", {"phone": SOURCE, "first_name": "Source",
                               "home_dc": 1})
            keys = make_keys(dc, count, 1)
            load = Load(dc, keys, tmp)
            try:
                r = measure(dc, load, keys)
                r["open"] = dc.call("/counters")["open"]
            finally:
                load.close()
        finally:
            dc.end(60)
    return r


def rate(x):
    return f"{x:,.0f} /s"


def table(count, results):
    rows = [["", *results]]
    for text, name, form in (
            (f"memory of an idle connection, of {count:,}", "idle", kib),
            ("memory of the process", "total", mib),
            ("processor while all are silent", "idle_cpu",
             lambda x: f"{x:.1%} of a core"),
            ("processor to sign all on", "connect", lambda x: f"{x:.2f} s"),
            ("messages of a channel, each alone in a packet", "channel", rate),
            (f"private messages, {EACH} at once", "private", rate),
            (f"messages that {min(SENDERS, count):,} clients send", "calls",
             rate)):
        rows.append([text, *(form(r[name]) for r in results.values())])
    return rows


def goals(count, results):
    r = results["in memory"]
    return [(f"{r['open']:,} connections open, the goal is "
             f"{GOAL_CONNECTIONS:,}", r["open"] >= GOAL_CONNECTIONS),
            (f"{rate(r['channel'])} of processor time, the goal is "
             f"{rate(GOAL_RATE)}", r["channel"] >= GOAL_RATE)]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--connections", type=int, default=GOAL_CONNECTIONS)
    p.add_argument("--budget", type=float, default=16)
    p.add_argument("--table", type=pathlib.Path)
    a = p.parse_args()
    room_for(a.connections)
    results = {"in memory": run(a.connections, False),
               "with --state": run(a.connections, True)}
    rows = table(a.connections, results)
    print(plain(rows))
    reached = goals(a.connections, results)
    for text, ok in reached:
        print(("reached: " if ok else "MISSED: ") + text)
    if a.table:
        lines = "".join(f"* {'reached' if ok else '**missed**'}: {text}\n"
                        for text, ok in reached)
        write_table(ROOT / a.table, "dc", markdown(rows) + "\n" + lines)
    bad = [r for r in results.values() if r["open"] < a.connections or
           r["idle"] > a.budget * 1024]
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
