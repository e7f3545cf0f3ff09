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


def test_the_emulators_page_has_every_admin_call(dc):
    text = (ROOT / "docs" / "emulator.md").read_text()
    said = text.split("<!-- admin -->")[1].split("<!-- end of admin -->")[0]
    said = re.findall(r"^\| (GET|POST) `([^`]+)`", said, re.M)
    there = [(r["method"], r["path"]) for r in dc.call("/")["routes"]]
    assert sorted(said) == sorted(there) and len(set(said)) == len(said)


def test_the_scenario_of_the_page_can_be_played(dc):
    text = (ROOT / "docs" / "emulator.md").read_text()
    lines = re.search(r"(?:^    (?:title|user|expect|never|check) .*\n)+",
                      text, re.M)[0]
    dc.call("/scenario", {"text": lines})
    assert dc.call("/scenario")["steps"] == 6
    steps = re.findall(r"^\| `(\w+)", text.split("| step |")[1], re.M)
    known = re.findall(r'^\t\{ "(\w+)", DC_STEP', (
        ROOT / "src/dc/dc_script.c").read_text(), re.M)
    assert set(steps) >= set(known) - {"offline", "revoke"}


def test_telethon_signs_in_as_the_page_says(fleet):
    fleet.start_dc()
    said = python(block("emulator.md", "python"), fleet.dir)
    assert re.fullmatch(r"signed in: \d+\n", said)
    got = subprocess.run(
        [program(), "session", "inspect", "9996621234.session"],
        cwd=fleet.dir, capture_output=True, text=True, timeout=20)
    assert got.returncode == 0 and "telethon-sqlite" in got.stdout
