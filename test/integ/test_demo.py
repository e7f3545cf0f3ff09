"""`tgfleet demo --check`: every step, and nothing left of it."""
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


def test_demo_keeps_the_folder_it_was_given(tmp_path):
    folder = tmp_path / "kept"
    got = cli("demo", "--check", "--dir", folder, status=None)
    assert got.returncode == 0, got.stdout + got.stderr
    logs = {p.name for p in folder.glob("*.log")}
    assert {"dc.log", "serve.log", "worker-1.log", "worker-2.log"} <= logs
    text = "".join(p.read_text() for p in folder.glob("*.log"))
    assert "ev=bug" not in text and "Sanitizer" not in text
    assert processes(folder) == []


def test_demo_fails_loudly(tmp_path):
    """Where it cannot work, it says so and exits 1."""
    got = cli("demo", "--check", "--dir", "/proc/nowhere", status=1)
    assert got.stderr or "FAIL" in got.stdout
    assert processes("/proc/nowhere") == []
    assert program()
