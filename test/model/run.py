#!/usr/bin/env python3
"""Explores the model of the leases, whole, and each way to break it.

    test/model/run.py [--deep]

The rules as they are: every state is visited and none has two nodes sending.  Then
each BREAK_ in lease.pml by itself: a violation has to be found, or the model could
not tell.  --deep allows one grant more in the first part (an hour or more).
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE / "lease.pml"
WHOLE = 1000000  # deep enough for every state
# What is broken, how many grants it takes until that shows, and how many steps.
BREAKS = {
    "BREAK_GRACE": (3, 130), "BREAK_SENT": (3, 130), "BREAK_WAKE": (3, 130),
    "BREAK_EPOCH": (3, 130), "BREAK_RELEASE": (3, 170), "BREAK_OUT": (3, 90),
    "BREAK_RESTART": (3, 90), "BREAK_RENEWALS": (2, WHOLE),
}


def explore(define, epochs, depth):
    """(errors, states, whole) of a search."""
    with tempfile.TemporaryDirectory() as tmp:
        flags = [f"-DEPOCHS={epochs}"] + ([f"-D{define}"] if define else [])
        subprocess.run(["spin", "-a", *flags, str(MODEL)], cwd=tmp, check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run(["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE",
                        "-DMEMLIM=4000", "-o", "pan", "pan.c"], cwd=tmp,
                       check=True)
        out = subprocess.run(["./pan", f"-m{depth}", "-w24", "-n"], cwd=tmp,
                             stdout=subprocess.PIPE, text=True).stdout
    errors = re.search(r"errors: (\d+)", out)
    states = re.search(r"(\d[\d.e+]*) states, stored", out)
    assert errors and states, out
    whole = not re.search(r"max search depth|Search not completed|out of memory",
                          out)
    return int(errors[1]), int(float(states[1])), whole


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--deep", action="store_true")
    deep = p.parse_args().deep
    runs = {None: (3 if deep else 2, WHOLE), **BREAKS}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: pool.submit(explore, name, *how)
                for name, how in runs.items()}
    bad = 0
    for name, job in jobs.items():
        errors, states, whole = job.result()
        good = errors > 0 if name else errors == 0 and whole
        bad += not good
        print(f"{'ok  ' if good else 'FAIL'} model: {name or 'the rules'}: "
              f"{errors} violations in {states} states"
              + ("" if name or whole else ", not all visited"))
    return bad != 0


sys.exit(main())
