#!/usr/bin/python3
"""What one idle account costs, against the emulator: bytes of process memory per
account between 100 and 1,000 online accounts in one worker, beside Telethon in
the same run; how fast accounts come online, and how fast messages arrive.

Every account is signed in, has closed its update gap and would answer at once.
The slope leaves out what a process costs before its first account.

    bench_idle.py [--accounts 1000] [--telethon 100] [--markdown docs/bench.md]

Exit 1: not everything came online, or an idle account costs more than --budget.
"""
import argparse
import asyncio
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integ"))

from fleet import START_ALL, Fleet, wait  # noqa: E402

PREFIX = "999661"


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {k: int(re.search(rf"^{k}:\s+(\d+)", text, re.M)[1]) * 1024
            for k in ("Pss", "Rss")}


def settled(pid):
    """Memory once it does not move any more."""
    last, same = memory(pid), 0
    for _ in range(60):
        time.sleep(0.25)
        now = memory(pid)
        same = same + 1 if abs(now["Pss"] - last["Pss"]) < 65536 else 0
        last = now
        if same >= 6:
            break
    return last


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def slope(small, big, n):
    return {k: (big[k] - small[k]) / n for k in big}


# ---- Telethon: in a process of its own

async def hold_telethon(env, keys, steps):
    """Connects clients up to each of `steps` and tells the memory there."""
    from telethon import TelegramClient
    from telethon.crypto import rsa
    from telethon.sessions import StringSession

    rsa._server_keys.clear()
    for pem in env["keys"]:
        rsa.add_key(pem, old=False)
    clients = []
    for step in steps:
        begin, had = time.monotonic(), len(clients)

        async def one(key):
            c = TelegramClient(StringSession(key), env["api_id"],
                               env["api_hash"])
            await c.connect()
            await c.get_me()
            return c
        for at in range(had, step, 10):
            clients += await asyncio.gather(
                *(one(k) for k in keys[at:min(at + 10, step)]))
        took = time.monotonic() - begin
        print(json.dumps({"n": len(clients), "seconds": took,
                          **settled(os.getpid())}), flush=True)
    for c in clients:
        await c.disconnect()


def telethon(f, count):
    steps = [max(count // 5, 1), count]
    keys = [data.decode() for _, data in f.make_keys(count, first=8000)]
    got = subprocess.run(
        ["/usr/bin/python3", __file__, "--hold-telethon"], check=True,
        input=json.dumps({"env": f.env, "keys": keys, "steps": steps}),
        stdout=subprocess.PIPE, text=True, timeout=300).stdout
    small, big = map(json.loads, got.splitlines())
    n = big["n"] - small["n"]
    each = slope({k: small[k] for k in ("Pss", "Rss")},
                 {k: big[k] for k in ("Pss", "Rss")}, n)
    return {"total": big, "each": each, "rate": n / big["seconds"], "n": count}


# ---- tgfleet

def upload(f, files):
    begin = time.monotonic()
    for at in range(0, len(files), 250):
        got = f.upload(*files[at:at + 250])
        assert got["success"], got
    return time.monotonic() - begin


def start_all(f, total, new):
    """Until all are online; accounts a second."""
    begin = time.monotonic()
    f.post(START_ALL, {})
    wait(lambda: f.counters()["open"] >= total, 120, every=0.02)
    took = time.monotonic() - begin
    f.wait_online(total, 120)
    return new / took


def deliver(f, count, each):
    """Messages to many accounts; until every one is counted."""
    phones = [f"{PREFIX}{n:04}" for n in range(1, count + 1)]
    base = sum(a["message_count"] for a in f.accounts().values())
    begin = time.monotonic()
    for p in phones:
        f.admin("/messages", {"from": f"{PREFIX}0000", "to": p, "text":
                              "a message of ordinary length, as people send",
                              "count": each})
    wait(lambda: sum(a["message_count"] for a in f.accounts().values())
         == base + count * each, 120, every=0.1)
    return count * each / (time.monotonic() - begin)


def run(f, args):
    few = min(100, args.accounts // 2)
    f.start("node")
    pid = f.workers["node"].pid
    r = {"empty": settled(pid), "few": few, "n": args.accounts}
    files = f.make_keys(args.accounts)
    r["upload"] = args.accounts / (upload(f, files[:few]) +
                                   upload(f, files[few:]) or 1)
    # all are stored; the first `few` only are started
    for name, _ in files[few:]:
        f.call("PATCH", f"/api/v1/group-ai/accounts/{name[:-8]}",
               json={"enabled": False})
    start_all(f, few, few)
    r["small"] = settled(pid)
    for name, _ in files[few:]:
        f.call("PATCH", f"/api/v1/group-ai/accounts/{name[:-8]}",
               json={"enabled": True})
    r["rate"] = start_all(f, args.accounts, args.accounts - few)
    r["big"] = settled(pid)
    before = cpu_seconds(pid)
    time.sleep(5)
    r["cpu"] = (cpu_seconds(pid) - before) / 5
    r["each"] = slope(r["small"], r["big"], args.accounts - few)
    busy = min(200, args.accounts - 1)
    r["messages"] = deliver(f, busy, 100)
    r["after"] = settled(pid)
    r["serve"], r["dc"] = memory(f.serve.pid), memory(f.dc.pid)
    return r


def kb(x):
    return f"{x / 1024:,.1f} KB"


def mb(x):
    return f"{x / 1048576:,.1f} MB"


def table(r, t):
    rows = [("", "tgfleet worker"),
            (f"memory of an idle account (PSS, slope {r['few']} to {r['n']})",
             kb(r["each"]["Pss"])),
            ("the same, RSS", kb(r["each"]["Rss"])),
            ("process without accounts (PSS)", mb(r["empty"]["Pss"])),
            (f"process with {r['n']} idle accounts (PSS)",
             mb(r["big"]["Pss"])),
            ("the same after the messages below", mb(r["after"]["Pss"])),
            (f"processor, {r['n']} idle accounts", f"{r['cpu']:.1%} of a core"),
            ("accounts brought online", f"{r['rate']:,.0f} /s"),
            ("messages delivered and counted", f"{r['messages']:,.0f} /s"),
            ("sessions uploaded and sealed", f"{r['upload']:,.0f} /s"),
            (f"control plane, {r['n']} accounts (PSS)", mb(r["serve"]["Pss"])),
            ("emulator (PSS)", mb(r["dc"]["Pss"]))]
    if t:
        ratio = t["each"]["Pss"] / max(r["each"]["Pss"], 1)
        rows[0] += (f"Telethon, {t['n']} clients in one process",)
        rows[1] += (f"{kb(t['each']['Pss'])} ({ratio:.1f} times as much)",)
        rows[2] += (kb(t["each"]["Rss"]),)
        rows[4] += (f"{mb(t['total']['Pss'])} with {t['n']}",)
        rows[7] += (f"{t['rate']:,.0f} /s",)
    wide = 3 if t else 2
    return [list(row) + [""] * (wide - len(row)) for row in rows]


def plain(rows):
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, width)).rstrip()
                     for r in rows)


def markdown(rows):
    head, *rest = ("| " + " | ".join(r) + " |" for r in rows)
    cpu = re.search(r"^model name\s*: (.*)$",
                    pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return "\n".join([
        f"## {datetime.date.today()}", "",
        f"{cpu[1].strip() if cpu else platform.machine()}, "
        f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}; "
        "`make bench`, everything on this one machine.", "", head,
        "|" + "---|" * len(rows[0]), *rest, ""])


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--accounts", type=int, default=1000)
    p.add_argument("--telethon", type=int, default=100,
                   help="clients of Telethon; 0: without")
    p.add_argument("--budget", type=float, default=32,
                   help="KB an idle account may cost")
    p.add_argument("--markdown", type=pathlib.Path, help="append the table")
    p.add_argument("--hold-telethon", action="store_true",
                   help=argparse.SUPPRESS)
    return p.parse_args()


def main():
    args = options()
    if args.hold_telethon:
        asyncio.run(hold_telethon(**json.load(sys.stdin)))
        return 0
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        f = Fleet(pathlib.Path(folder) / "fleet", beat="1s", ttl="20000ms",
                  grace="1s")
        f.expect(r"ev=loop\.slow")
        try:
            r = run(f, args)
            t = telethon(f, args.telethon) if args.telethon else None
        finally:
            f.close()
    rows = table(r, t)
    print(plain(rows))
    if args.markdown:
        with open(args.markdown, "a") as out:
            out.write("\n" + markdown(rows))
    if r["each"]["Pss"] > args.budget * 1024:
        print(f"more than the budget of {args.budget} KB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
