#!/usr/bin/env python3
"""What the program says of itself: complete, parsable, and the same everywhere.

    test_tables.py PROGRAM
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop())


def run(*args, env=None, status=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TGFLEET")}
    got = subprocess.run([PROGRAM, *args], capture_output=True, text=True,
                         timeout=30, env={**clean, **(env or {})})
    assert got.returncode == status, (args, got.returncode, got.stderr)
    return got.stderr if status else got.stdout


def describe(section):
    return json.loads(run("describe", section))


class Describe(unittest.TestCase):
    def test_whole_is_the_sum_of_its_sections(self):
        whole = json.loads(run("describe"))
        version = whole.pop("version")
        self.assertIn(version, run("version"))
        for name, rows in whole.items():
            self.assertTrue(rows, name)
            self.assertEqual(rows, describe(name))

    def test_unknown_section_names_the_known(self):
        self.assertIn("log_events", run("describe", "nonsense", status=1))

    def test_every_command_of_help_is_described(self):
        names = re.findall(r"^  (\S+) ", run("help"), re.M)
        self.assertEqual(names, [c["name"] for c in describe("commands")])

    def test_settings_have_words_and_defaults_inside_their_limits(self):
        for c in describe("commands"):
            for o in c["options"]:
                self.assertTrue(o["help"], o["name"])
                self.assertEqual(o["environment"], "TGFLEET_" +
                                 o["name"].upper().replace("-", "_"))
                if o["type"] == "number" and "min" in o and o["default"]:
                    self.assertTrue(o["min"] <= int(o["default"]) <= o["max"])

    def test_errors_are_unique_and_answerable(self):
        rows = describe("errors")
        for key in ("name", "number", "code"):
            self.assertEqual(len({r[key] for r in rows}), len(rows), key)
        for r in rows:
            self.assertTrue(400 <= r["http_status"] < 600, r)

    def test_telegram_errors_that_end_an_account_are_never_tried_again(self):
        ends = ("revoked", "banned", "frozen", "duplicated")
        rows = [r for r in describe("telegram_errors")
                if r["account_becomes"] in ends]
        self.assertTrue(rows)
        for r in rows:
            self.assertEqual(r["retry"], "never", r)
            self.assertTrue(r["advice"], r)

    def test_states_lead_to_states_and_from_ends_only_by_hand(self):
        rows = {r["state"]: r for r in describe("states")
                if r["machine"] == "account"}
        for r in rows.values():
            self.assertTrue(set(r["to"]) <= set(rows), r)
        for dead in ("REVOKED", "BANNED", "FROZEN", "DUPLICATED"):
            self.assertFalse(rows[dead]["connected"])
            self.assertEqual(set(rows[dead]["to"]), {"PARKED", "CLOSING"})
        self.assertTrue(any(r["initial"] for r in rows.values()))
        self.assertTrue(any(r["final"] for r in rows.values()))


class Tables(unittest.TestCase):
    def test_states_as_text_and_diagram(self):
        text, dot = run("states"), run("states", "--dot")
        for r in describe("states"):
            self.assertIn(r["state"], text)
            for to in r["to"]:
                self.assertIn(f"\t{r['state']} -> {to};", dot)
        self.assertEqual(json.loads(run("states", "--json")),
                         describe("states"))
        run("states", "nonsense", status=2)

    def test_errors_as_text(self):
        for r in describe("errors"):
            self.assertIn(r["code"], run("errors"))
        self.assertIn("FLOOD_WAIT_%d", run("errors", "telegram"))
        self.assertEqual(json.loads(run("errors", "--json", "telegram")),
                         describe("telegram_errors"))
        run("errors", "nonsense", status=2)

    def test_version_names_what_is_linked(self):
        text = run("version")
        for r in describe("libraries"):
            self.assertRegex(r["version"], r"^\d+\.\d+")
            self.assertIn(f"{r['name']:<10} {r['version']}", text)


class Man(unittest.TestCase):
    def setUp(self):
        self.roff = run("man")
        self.words = self.roff.replace("\\-", "-").replace("\\e", "\\")

    def test_every_command_verb_and_option_appears(self):
        for c in describe("commands"):
            self.assertIn(f'.SS "tgfleet {c["name"]}', self.words)
            for v in c["verbs"]:
                self.assertIn(f"\\fB{v['name']}\\fR", self.words)
            for o in c["options"]:
                self.assertIn(f"\\fB--{o['name']}\\fR", self.words)
                self.assertIn(o["help"], self.words)

    def test_renders_without_a_warning(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        got = subprocess.run(["groff", "-ww", "-man", "-Tutf8"],
                             input=self.roff, capture_output=True, text=True)
        self.assertEqual((got.returncode, got.stderr), (0, ""))


class Config(unittest.TestCase):
    def shown(self, *args, env=None):
        rows = re.findall(r"^([a-z-]+): (.*?)  # (.*)$",
                          run("config", "show", *args, env=env), re.M)
        return {name: (value, origin) for name, value, origin in rows}

    def test_each_source_wins_over_the_one_before(self):
        with tempfile.TemporaryDirectory() as d:
            f = pathlib.Path(d, "serve.yaml")
            f.write_text("lease-grace: 40s\nlease-ttl: 200s\nlisten: a:1\n")
            got = self.shown("serve", "--config", str(f), "--listen", "c:3",
                             env={"TGFLEET_LEASE_TTL": "300s",
                                  "TGFLEET_LISTEN": "b:2"})
        self.assertEqual(got["lease-grace"], ("40000ms", "file"))
        self.assertEqual(got["lease-ttl"], ("300000ms", "environment"))
        self.assertEqual(got["listen"], ("c:3", "command line"))
        self.assertEqual(got["failover"], ("true", "default"))

    def test_worker_reads_a_file_too(self):
        with tempfile.TemporaryDirectory() as d:
            f = pathlib.Path(d, "worker.yaml")
            f.write_text("state: /x\ntelegram: /y\n")
            got = self.shown("worker", "--config", str(f))
        self.assertEqual(got["state"], ("/x", "file"))

    def test_check_refuses_what_does_not_fit_together(self):
        self.assertEqual(run("config", "check", "serve"), "ok\n")
        said = run("config", "check", "serve", "--lease-ttl", "20s", status=2)
        self.assertIn("three heartbeat intervals", said)

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as d:
            f = pathlib.Path(d, "bad.yaml")
            f.write_text("listen: x\nnonsense: 1\n")
            said = run("config", "check", "serve", "--config", str(f), status=2)
        self.assertIn(":2: unknown setting 'nonsense'", said)
        run("config", "show", "nobody", status=2)
        run("config", "show", status=2)
        run("config", "show", "worker", status=2)  # what is required

    def test_a_secret_is_not_shown(self):
        got = run("config", "show", "login",
                  env={"TGFLEET_TOKEN": "topsecrettoken"})
        self.assertIn("token: ***", got)
        self.assertNotIn("topsecret", got)


if __name__ == "__main__":
    unittest.main()
