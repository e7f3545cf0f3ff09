"""The programs printed in docs/ do what is written beside them."""
import os
import re
import subprocess

from fleet import ROOT, program


def block(name, language):
    text = (ROOT / "docs" / name).read_text()
    return re.search(rf"^```{language}\n(.*?)^```", text, re.M | re.S)[1]


def python(code, folder, **env):
    got = subprocess.run(["/usr/bin/python3", "-c", code], cwd=folder, text=True,
                         env={**os.environ, **env}, capture_output=True,
                         timeout=60)
    assert got.returncode == 0, got.stderr
    return got.stdout


def test_client_of_the_heartbeat(fleet):
    fleet.start()
    said = python(block("api.md", "python"), fleet.dir,
                  TGFLEET_SERVER=fleet.url, TGFLEET_TOKEN=fleet.token)
    first, second = said.splitlines()
    assert first.startswith("ok ") and first.endswith(" ['reload']")
    assert second.startswith("ok ") and second.endswith(" []")
    seen = fleet.account("9996613333")
    assert seen["status"] == "online" and seen["message_count"] == 3


def test_telethon_signs_in_as_the_page_says(fleet):
    fleet.start_dc()
    said = python(block("emulator.md", "python"), fleet.dir)
    assert re.fullmatch(r"signed in: \d+\n", said)
    got = subprocess.run(
        [program(), "session", "inspect", "9996621234.session"],
        cwd=fleet.dir, capture_output=True, text=True, timeout=20)
    assert got.returncode == 0 and "telethon-sqlite" in got.stdout
