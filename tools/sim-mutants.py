#!/usr/bin/env python3
"""Proves that the simulation can fail: plants a bug at a time, wants it found.

    tools/sim-mutants.py [NAME...]        SEEDS=n: seeds tried for each (1000)

The bugs are planted in a copy of the tree, which is built once and then again for
each.  A line a bug; exit 1 if one was not found, or if its place in the source is
not there any more.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# name, file, what is there, what is there instead
MUTANTS = [
    ("leases are not looked at", "src/fleet/lease.c",
     "return h->epoch != 0 && mono_before(now, h->deadline);",
     "return h->epoch != 0;"),
    ("a lease counts from the answer", "src/worker/beat.c",
     "lease_hold_confirm(&a->lease, l->epoch, b->sent,",
     "lease_hold_confirm(&a->lease, l->epoch, loop_now(b->loop),"),
    ("the position is stored ahead of the messages", "src/worker/fleet.c",
     "enum err rc = journal_put(f->journal, a->account_id, pos, epoch);",
     "enum err rc = (pos.pts++, journal_put(f->journal, a->account_id, pos, epoch));"),
    ("the position is not told on release", "src/worker/account_place.c",
     "if (!a->place_changed || a->place.pts <= 0)",
     "if (!a->place_changed || a->place.pts <= 0 || a->release_due)"),
    ("message ids are not remembered", "src/mtproto/session_recv.c",
     "if (!*ret_fresh)\n\t\ts->stats.duplicates++;",
     "*ret_fresh = true;"),
    ("updates seen before are taken again", "src/tg/updates.c",
     "if (after > it->value)\n\t\treturn UPDATES_OLD;",
     "if (after > it->value)\n\t\treturn UPDATES_APPLY;"),
    ("gaps are not noticed", "src/tg/updates.c",
     "return after == it->value ? UPDATES_APPLY : UPDATES_HELD;",
     "return UPDATES_APPLY;"),
    ("a message sent again has another random_id", "src/worker/orders.c",
     "return id ? id : (int64_t)rnd_u64(o->fleet->rnd);",
     "return (int64_t)rnd_u64(o->fleet->rnd);"),
    ("the flood book is not read", "src/tg/flood.c",
     "if ((!e->peer || e->peer == peer) && covers(e->method, method))",
     "if (!e->peer && peer && covers(e->method, method))"),
    ("waits are counted by the node's wall clock", "src/worker/account_limits.c",
     "return engine_time(&a->engine, now, guess);",
     "return (void)now, loop_wall(f->loop);"),
    ("a channel's difference outlives its connection", "src/tg/engine_flood.c",
     "if (i < e->ncalls && ENGINE_TAG_KIND(e->calls[i].tag))",
     "if (i < e->ncalls && ENGINE_TAG_KIND(e->calls[i].tag) &&\n"
     "\t\t    ENGINE_TAG_KIND(e->calls[i].tag) != ENGINE_TAG_CHANNEL)"),
    ("a dead account is dialled again", "src/worker/account.c",
     "(st != ACCOUNT_PARKED && st != ACCOUNT_BACKOFF))",
     "(st != ACCOUNT_PARKED && st != ACCOUNT_BACKOFF) || a->ended)"),
    ("a wrong salt is kept", "src/mtproto/session_recv_bad_salt.c",
     "session_set_salt(s, salt);", "(void)salt;"),
    ("orders of an account that is gone never end", "src/worker/account.c",
     "engine_fail_calls(&a->engine, ERR_LEASE_LOST);", ""),
]


def copy_tree(to):
    names = subprocess.run(["git", "ls-files", "-z"], capture_output=True,
                           check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if not os.path.isfile(name):
            continue
        dst = to / name
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, dst)


def build(tree):
    return subprocess.run(["ninja", "-C", "build", "--quiet", "test/sim/sim"],
                          cwd=tree, capture_output=True, text=True)


def hunt(tree, seeds):
    """What the first seed that fails says, or None."""
    try:
        p = subprocess.run(["build/test/sim/sim", "--seeds", str(seeds)], cwd=tree,
                           capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if p.returncode == 0:
        return None
    said = p.stderr.strip().splitlines() or [f"exit {p.returncode}"]
    seed = re.search(r"--seed (\d+)", p.stderr)
    return f"seed {seed.group(1) if seed else '?'}: {said[0].removeprefix('sim: ')}"


def plant(tree, mutant, seeds):
    name, file, old, new = mutant
    path = tree / file
    text = path.read_text()
    if text.count(old) != 1:
        return f"{file} has its place {text.count(old)} times, not once"
    path.write_text(text.replace(old, new))
    try:
        made = build(tree)
        if made.returncode:
            return "does not build: " + (made.stdout + made.stderr)[-800:]
        found = hunt(tree, seeds)
    finally:
        path.write_text(text)
    if not found:
        return f"not found by {seeds} seeds"
    print(f"ok   sim-mutant: {name} ({found})", flush=True)
    return None


def main(names):
    seeds = int(os.environ.get("SEEDS", "1000"))
    wanted = [m for m in MUTANTS if not names or m[0] in names]
    bad = 0 if wanted else 1
    with tempfile.TemporaryDirectory() as tmp:
        tree = pathlib.Path(tmp)
        copy_tree(tree)
        subprocess.run(["meson", "setup", "build", "-Ddebug=false",
                        "-Doptimization=1", "-Dwerror=false"], cwd=tree,
                       check=True, capture_output=True)
        made = build(tree)
        if made.returncode or hunt(tree, 20):
            print("FAIL sim-mutant: the tree itself does not pass")
            return 1
        for m in wanted:
            why = plant(tree, m, seeds)
            if why:
                bad = 1
                print(f"FAIL sim-mutant: {m[0]}: {why}", flush=True)
    return bad


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    sys.exit(main(sys.argv[1:]))
