#!/usr/bin/env python3
"""Clients that strangers wrote, against `tgfleet dc`, and the table of it.

    /usr/bin/python3 test/interop/run.py [--only NAME] [--table docs/interop.md]

Each client is a process told what to do by lines of JSON (lines.mjs).  What is
asked of each is the same (checks.py); a cell of the table is "yes", or the
name of what it lacks.  Ends with 1 if anything failed.
"""
import argparse
import pathlib
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integ")]

import checks  # noqa: E402
from clients import CLIENTS, Client  # noqa: E402
from fleet import Fleet  # noqa: E402


class World:
    """The data centre, a node with one account, and every client signed in."""

    def __init__(self, tmp, names):
        self.tmp = pathlib.Path(tmp)
        self.fleet = Fleet(tmp, beat="1s", ttl="3000ms", grace="1s")
        self.dc = self.fleet.start_dc(count=2)
        self.clients = {}
        self.node = self.group = None
        for number, name in enumerate(names):
            phone = f"999661{number + 1:04d}"
            self.dc.call("/users", {"phone": phone, "first_name": name,
                                    "username": f"user_{name}", "home_dc": 1})
            self.clients[name] = Client(name, phone, self.tmp)

    def close(self):
        for c in self.clients.values():
            c.stop()
        self.fleet.close()


def run_all(world):
    results = {name: {} for name in world.clients}
    for check in checks.CHECKS:
        for name, client in world.clients.items():
            if name in check.skip:
                results[name][check.title] = check.skip[name]
                continue
            if "sign in" in results[name] and results[name]["sign in"] != "yes":
                results[name][check.title] = "not reached"
                continue
            checks.drain(world)
            try:
                results[name][check.title] = check.run(world, client) or "yes"
            except Exception as e:
                traceback.print_exc()
                results[name][check.title] = "FAILED"
                print(f"{name}: {check.title}: {e}", file=sys.stderr)
    return results


def table(results):
    titles = [c.title for c in checks.CHECKS]
    lines = ["| client | layer | transport | " + " | ".join(titles) + " |",
             "|---" * (len(titles) + 3) + "|"]
    for name, got in results.items():
        about = CLIENTS[name]
        lines.append(f"| {about.title} | {about.layer} | {about.transport} | "
                     + " | ".join(got[t] for t in titles) + " |")
    return "\n".join(lines) + "\n"


def write_table(path, text):
    begin, end = "<!-- table: make interop -->\n", "<!-- end of table -->\n"
    page = pathlib.Path(path).read_text()
    head, rest = page.split(begin, 1)
    tail = rest.split(end, 1)[1]
    pathlib.Path(path).write_text(head + begin + text + end + tail)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", action="append", choices=list(CLIENTS))
    p.add_argument("--table")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        world = World(tmp, a.only or list(CLIENTS))
        try:
            results = run_all(world)
            text = table(results)
            print(text)
            counters = world.dc.counters()
        finally:
            world.close()
    if a.table and not a.only:
        write_table(a.table, text)
    bad = sum(v == "FAILED" for r in results.values() for v in r.values())
    good = sum(v == "yes" for r in results.values() for v in r.values())
    bad += counters["auth_key_duplicates"] != 0
    print(f"interop: {good} passed, {bad} failed")
    return bad != 0


sys.exit(main())
