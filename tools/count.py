#!/usr/bin/env python3
"""Count test cases: prints "count: PASSED FAILED" for tools/gate.sh.

    tools/count.py testlog.json | junit.xml

A Meson log counts cmocka's cases; a program that died or ran none of them counts
as one case.  In pytest's XML a skipped case counts as failed: the setup script
installs everything, so there is nothing to skip for.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def of_meson(path):
    good = bad = 0
    for line in path.read_text().splitlines():
        t = json.loads(line)
        out = t.get("stdout", "") + t.get("stderr", "")
        p = len(re.findall(r"^\[ +OK +\] ", out, re.M))
        # each failed case is named again in the summary
        f = len(set(re.findall(r"^\[ +FAILED +\] (\w+)$", out, re.M)))
        # a run that is there to fail, and did
        if t["result"] in ("OK", "EXPECTEDFAIL"):
            p, f = max(p, 1), 0
        else:
            f = max(f, 1)
        good += p
        bad += f
    return good, bad


def of_junit(path):
    good = bad = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        kinds = {c.tag for c in case}
        if kinds & {"failure", "error", "skipped"}:
            bad += 1
            print(f"not passed: {case.get('classname')}.{case.get('name')}: "
                  f"{', '.join(sorted(kinds))}")
        else:
            good += 1
    return good, bad


def main():
    path = pathlib.Path(sys.argv[1])
    if not path.exists():
        print(f"{path} was not written\ncount: 0 1")
        return
    good, bad = of_junit(path) if path.suffix == ".xml" else of_meson(path)
    print(f"count: {good} {max(bad, not good + bad)}")


main()
