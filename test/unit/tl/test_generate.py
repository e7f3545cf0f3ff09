#!/usr/bin/env python3
"""The TL generator and importer refuse what is wrong."""
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/tl"))
sys.dont_write_bytecode = True

from tltext import SchemaError, parse, parse_line, render  # noqa: E402


class Generate(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.dir = pathlib.Path(self.tmp.name)
        shutil.copytree(ROOT / "src/tl/schema", self.dir / "schema")
        for name in "wanted.txt", "aliases.txt":
            shutil.copy(ROOT / "src/tl" / name, self.dir)
        (self.dir / "out").mkdir()

    def tearDown(self):
        self.tmp.cleanup()

    def run_it(self):
        return subprocess.run(
            [sys.executable, "-B", ROOT / "tools/tl/generate.py",
             self.dir / "schema", self.dir / "wanted.txt",
             self.dir / "aliases.txt", self.dir / "out"],
            capture_output=True, text=True)

    def edit(self, name, old, new):
        path = self.dir / name
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))

    def refused(self, *words):
        r = self.run_it()
        self.assertNotEqual(r.returncode, 0)
        for w in words:
            self.assertIn(w, r.stderr)
        self.assertEqual(list((self.dir / "out").iterdir()), [])

    def test_good_and_repeatable(self):
        self.assertEqual(self.run_it().returncode, 0)
        first = {p.name: p.read_bytes() for p in (self.dir / "out").iterdir()}
        self.assertEqual(len(first), 4)
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(first, {p.name: p.read_bytes()
                                 for p in (self.dir / "out").iterdir()})

    def test_crc(self):
        self.edit("schema/api_223.tl", "peerUser#59511722 user_id:long",
                  "peerUser#59511722 user_id:int")
        self.refused("peerUser", "CRC32")

    def test_type(self):
        line = parse_line("thing#1 x:NoSuchType = Thing;", False)
        line.id = line.crc()
        self.edit("schema/api_223.tl", "---types---\n",
                  f"---types---\n{line.text()}\n")
        self.refused("thing.x", "NoSuchType")

    def test_wanted(self):
        with (self.dir / "wanted.txt").open("a") as f:
            f.write("noSuchConstructor\n")
        self.refused("noSuchConstructor")

    def test_alias(self):
        with (self.dir / "aliases.txt").open("a") as f:
            f.write("api_144 noSuchConstructor updateStory\n")
        self.refused("alias", "noSuchConstructor")

    def test_twice(self):
        self.edit("schema/mtproto.tl", "---types---\n",
                  "---types---\npong#347773c5 msg_id:long ping_id:long = Pong;\n")
        self.refused("pong", "twice")


class Text(unittest.TestCase):
    def test_round_trip(self):
        for path in (ROOT / "src/tl/schema").glob("*.tl"):
            text = path.read_text()
            layer, entries = parse(text)
            note = text.splitlines()[0].removeprefix("// ")
            self.assertEqual(render(entries, layer, [note]), text)

    def test_bad_lines(self):
        for line in ("peerUser user_id:long = Peer;", "x#1 y = Z;",
                     "x#1 y:flags.a?long = Z;", "x#123456789 = Z;", "x#1 = Z"):
            with self.assertRaises(SchemaError):
                parse_line(line, False)


class Import(unittest.TestCase):
    """The module that is run by hand, for what it refuses."""

    def setUp(self):
        spec = importlib.util.spec_from_file_location(
            "tl_import", ROOT / "tools/tl/import.py")
        self.mod = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.mod)

    def test_gramjs(self):
        text = ("vector#1cb5c415 {t:Type} # [ t ] = Vector t;\n"
                "peerUser#59511722 user_id:long = Peer;\n"
                "---functions---\n"
                "users.getUsers#d91a548 id:Vector<InputUser> = Vector<User>;\n")
        found = self.mod.gramjs_entries(
            self.mod.js_text(f'"use strict";\nmodule.exports = `{text}`;\n'))
        self.assertEqual([e.name for e in found], ["peerUser", "users.getUsers"])
        self.assertEqual([e.is_function for e in found], [False, True])
        with self.assertRaises(SystemExit):
            self.mod.gramjs_entries(text.replace("user_id", "user"))
        with self.assertRaises(SystemExit):
            self.mod.js_text("module.exports = `a${b}`;")


if __name__ == "__main__":
    unittest.main()
