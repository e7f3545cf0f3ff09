#!/usr/bin/env python3
"""One account, one node, always: whatever happens between them.

    test/chaos/lease_chaos.py [--rounds N] [--seed S] [--seconds MAX] [--replicas]

Two nodes, a control plane and a data centre as processes, and between each node
and the control plane a proxy that loses, delays and doubles (faultproxy.py).  With
--replicas there are two control planes on one PostgreSQL, and each request goes to
either.  A
round does one or two things: stops a process for longer than a lease and wakes
it, kills and starts one, parts a node from the control plane, moves, stops and
starts accounts.  After every round:

  * the data centre counted no key in use at two places,
  * no epoch went back, and a node's change brought a new one,
  * every session is there, and no key under two accounts;

now and then everything heals and all accounts must be online again by themselves.
A failing seed does the same again: rounds are drawn from it, though what the
processes make of them is theirs.
"""
import argparse
import contextlib
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time

import requests

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parents[1] / "integ"),
                str(pathlib.Path(__file__).parents[1] / "lib")]
from faultproxy import FaultProxy  # noqa: E402
from fleet import (ACCOUNTS, API, Fleet, Proc, SLOW, START_ALL,  # noqa: E402
                   Serve, wait)

N = 10
# Together clearly above two seconds and a beat: for that long the data centre
# takes a connection that fell silent for one that is in use.
TTL, GRACE = 2.5, 0.4
HEAL_EVERY = 10


class ChaosFleet(Fleet):
    def __init__(self, folder, seed):
        super().__init__(folder, ttl=f"{TTL * 1000:.0f}ms",
                         grace=f"{GRACE * 1000:.0f}ms")
        self.seed, self.proxies, self.epochs = seed, {}, {}
        self.asleep, self.done = set(), {}
        self.pg = self.other = None

    def start_replicas(self):
        from postgres import Postgres
        self.pg = Postgres()
        self.start_dc()
        self.start_serve("--db", self.pg.url())
        data = self.dir / "other" / "data"
        data.mkdir(parents=True, mode=0o700)
        shutil.copy(self.data / "vault.key", data / "vault.key")
        self.other = Serve(self.dir / "other", db=self.pg.url(),
                           password=self.password, secrets=self.secrets,
                           **self.timing)

    def start_worker(self, name):
        proxy = FaultProxy(self.url, f"{self.seed}/{name}", 2 * TTL)
        if self.other:
            proxy.add(self.other.url)
        self.proxies[name] = proxy
        w = Proc(self.logs, name, [
            "worker", "--server", proxy.url, "--join", self.join_token(),
            "--state", str(self.dir / name), "--telegram",
            str(self.env_file), "--name", name])
        self.workers[name] = w.start()
        w.node = w.ready["node_id"]

    def close(self):
        try:
            for p in [self.serve, self.other, *self.workers.values()]:
                if p and p.alive():
                    p.resume()
            if self.other:
                self.other.end()
                self.other.check_log()
            super().close()
        finally:
            for p in self.proxies.values():
                p.close()
            if self.pg:
                self.pg.close()

    def a_serve(self, rnd):
        return rnd.choice([self.serve, self.other or self.serve])

    # ---- what a round does

    def weather(self, rnd):
        for p in self.proxies.values():
            p.faults = {k: rnd.choice((0, 0, 0.1, 0.3)) for k in (
                "loss", "answer_loss", "delay", "answer_delay", "double")}

    def talk(self, rnd):
        """Updates for everybody: the nodes have something to say to them."""
        phones = [f"99966{10000 + i}" for i in range(N)]
        for to in rnd.sample(phones, 5):
            self.admin("/messages", {"from": phones[0], "to": to, "text": "x",
                                     "count": 3})

    def nap(self, p, rnd):
        self.talk(rnd)  # it is stopped with its hands full, and wakes so
        p.pause()
        self.talk(rnd)
        time.sleep(rnd.choice((0.3, TTL, TTL + GRACE, 2 * TTL + GRACE))
                   * (0.7 + 0.6 * rnd.random()))
        self.talk(rnd)
        p.resume()

    def sleep_worker(self, rnd):
        self.nap(self.workers[rnd.choice(sorted(self.workers))], rnd)

    def sleep_serve(self, rnd):
        self.nap(self.a_serve(rnd), rnd)

    def part(self, rnd):
        p = self.proxies[rnd.choice(sorted(self.proxies))]
        p.cut(True)
        time.sleep(rnd.random() * 2 * (TTL + GRACE))
        p.cut(False)

    def kill_worker(self, rnd):
        w = self.workers[rnd.choice(sorted(self.workers))]
        w.kill()
        time.sleep(rnd.choice((0, 0.2, TTL, 2 * TTL)))
        w.start()

    def kill_serve(self, rnd):
        s = self.a_serve(rnd)
        s.kill()
        time.sleep(rnd.choice((0, 0.2, TTL, TTL + GRACE)))
        s.start()

    def operate(self, rnd):
        for _ in range(rnd.randint(1, 6)):
            i = f"99966{10000 + rnd.randrange(N)}"
            what = rnd.choice(("move", "move", "stop", "start"))
            body = {}
            if what == "move":
                w = self.workers[rnd.choice(sorted(self.workers))]
                body = {"server_id": w.node}
            self.call("POST", f"{ACCOUNTS}/{i}/{what}", None, json=body)
            time.sleep(rnd.random() * 0.3)

    def idle(self, rnd):
        time.sleep(rnd.random() * TTL)

    def round(self, rnd):
        acts = (self.sleep_worker, self.sleep_serve, self.part,
                self.kill_worker, self.kill_serve, self.operate, self.operate,
                self.idle)
        self.weather(rnd)
        for act in rnd.sample(acts, rnd.randint(1, 2)):
            self.done[act.__name__] = self.done.get(act.__name__, 0) + 1
            with contextlib.suppress(requests.ConnectionError):
                act(rnd)

    # ---- what must hold

    def select(self, *queries):
        """Rows of text; from the file, or as the server says."""
        if self.pg:
            return [[row.split("|") for row in self.pg.run(
                "psql", "-qAt", "-d", self.pg.url(), "-c", q).splitlines()]
                    for q in queries]
        path = f"file:{self.data}/tgfleet.db?mode=ro"
        with contextlib.closing(sqlite3.connect(path, uri=True,
                                                timeout=10)) as db:
            return [[list(map(str, row)) for row in db.execute(q)]
                    for q in queries]

    def check(self):
        assert self.counters()["auth_key_duplicates"] == 0, "in use twice"
        leases, sessions = self.select(
            "select account_id, epoch, node_id from leases",
            "select count(*), count(distinct fingerprint), "
            "count(wrapped_key) from sessions where quarantined = 0")
        assert sessions == [[str(N)] * 3], sessions
        for i, epoch, node in leases:
            epoch = int(epoch)
            was, at = self.epochs.get(i, (0, None))
            assert epoch >= was, f"{i}: epoch {was} became {epoch}"
            assert epoch > was or node == at, f"{i}: {epoch} at two nodes"
            self.epochs[i] = (epoch, node)

    def heal(self):
        for p in self.proxies.values():
            p.faults = {}
            p.cut(False)
        self.post(START_ALL, {"wait": "0s"})
        # a start told to a node may be lost with it: it is asked again
        try:
            wait(self.all_online, 40, 0.2)
        except AssertionError:
            odd = [a for a in self.accounts().values()
                   if a["status"] != "online"]
            raise AssertionError(odd) from None
        self.check()

    def all_online(self):
        s = self.statuses()
        return len(s) == N and set(s.values()) == {"online"}


def bring_up(folder, seed, replicas=False):
    f = ChaosFleet(folder, seed)
    f.expect_lost("serve", "worker", "dc")
    f.expect(r"role=serve ev=", r"role=worker ev=")
    if replicas:
        f.start_replicas()
        for name in ("node-a", "node-b"):
            f.start_worker(name)
    else:
        f.start("node-a", "node-b")
    f.upload(*f.make_keys(N))
    got = f.post(START_ALL, {"wait": "30s"})
    assert got["accounts_started"] == N, got
    return f


def run(folder, rounds, seed, seconds=None, replicas=False,
        say=lambda text: None):
    rnd, begin, n = random.Random(seed), time.monotonic(), 0
    f = bring_up(folder, seed, replicas)
    with contextlib.closing(f):
        while n < rounds and (not seconds or
                              time.monotonic() - begin < seconds):
            n += 1
            f.round(rnd)
            f.check()
            if n % HEAL_EVERY == 0:
                f.heal()
                say(f"round {n}: all online, 0 keys in use twice, "
                    f"{sum(e for e, _ in f.epochs.values())} grants")
        f.heal()
        faults = {}
        for p in f.proxies.values():
            for k, v in p.counts.items():
                faults[k] = faults.get(k, 0) + v
        say(f"{n} rounds, seed {seed}: {f.done}; the wires: {faults}")
        if replicas:
            return n
        with contextlib.closing(sqlite3.connect(f.data / "tgfleet.db")) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    return n


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--rounds", type=int, default=300)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--seconds", type=float)
    p.add_argument("--replicas", action="store_true")
    a = p.parse_args()
    folder = tempfile.mkdtemp(prefix="lease-chaos-")
    print(f"seed {a.seed}, {folder}", flush=True)
    run(pathlib.Path(folder) / "fleet", a.rounds, a.seed, a.seconds,
        a.replicas, lambda text: print(text, flush=True))
    shutil.rmtree(folder)  # what failed stays to be read


if __name__ == "__main__":
    main()
