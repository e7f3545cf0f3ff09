"""`tgfleet demo --check`: every step, and nothing left of it.  Many runs in a row:
tools/repeat-demo.sh."""
import os
import pathlib

import pytest

pytest.importorskip("telethon")

from fleet import cli, program  # noqa: E402


def processes(folder):
    mine = os.fsencode(str(folder))
    found = []
    for p in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mine in (p / "cmdline").read_bytes():
                found.append(p.name)
        except OSError:
            pass
    return found


def test_demo_check(tmp_path):
    got = cli("demo", "--check", status=None, env={"TMPDIR": str(tmp_path)})
    assert got.returncode == 0, got.stdout + got.stderr
    lines = got.stdout.splitlines()
    assert len([x for x in lines if x.startswith("ok ")]) >= 15
    assert "FAIL" not in got.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes(tmp_path) == []


def test_demo_fails_loudly(tmp_path):
    """Where it cannot work, it says so and exits 1."""
    got = cli("demo", "--check", "--dir", "/proc/nowhere", status=1)
    assert got.stderr or "FAIL" in got.stdout
    assert processes("/proc/nowhere") == []
    assert program()
