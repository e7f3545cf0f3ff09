#!/usr/bin/env python3
"""Fail if a document names a file, function or version that is not there.

    tools/check-docs.py

Checked in every *.md of the tree: `file.c:function` (the function is defined or
declared in a file of that name), `dir/file.ext` below src, test, tools or docs,
`make target`, and links within the tree with their #anchors.  The version in meson.build is the first one in CHANGELOG.md.
Every fuzz target is told of in docs/fuzzing.md.
"""
import pathlib
import re
import sys

CODE = re.compile(r"`([\w./-]+\.(?:[ch]|py|sh|def)):(\w+)(?:\(\))?`")
FILE = re.compile(r"`((?:src|test|tools|docs)/[\w./-]+\.\w+)`")
MAKE = re.compile(r"`make ([a-z-]+)[^`]*`")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
SKIP = {"build", "node_modules", ".git"}


def files_called(name):
    if "/" in name:
        return [p for p in (pathlib.Path(name), pathlib.Path("src") / name)
                if p.exists()]
    return [p for top in ("src", "test", "tools")
            for p in pathlib.Path(top).rglob(name)]


def anchors(path):
    """What GitHub calls the headings of a page."""
    for line in path.read_text().splitlines():
        if re.match(r"#+ ", line):
            word = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            yield word.replace(" ", "-")


def check_link(path, target, anchor):
    to = (path.parent / target) if target else path
    if not to.exists():
        return f"a link to {target}, which is not there"
    if anchor and to.suffix == ".md" and anchor not in anchors(to):
        return f"a link to #{anchor}, which {to} does not have"
    return None


def check(path, targets):
    for no, line in enumerate(path.read_text().splitlines(), 1):
        for name, word in CODE.findall(line):
            got = files_called(name)
            if not got:
                yield no, f"no file {name}"
            elif not any(re.search(rf"\b{word}\b", p.read_text())
                         for p in got):
                yield no, f"no {word} in {name}"
        for name in FILE.findall(line):
            if not pathlib.Path(name).exists():
                yield no, f"no file {name}"
        for target, anchor in LINK.findall(line):
            if "://" not in target and not target.startswith("mailto:"):
                why = check_link(path, target, anchor)
                if why:
                    yield no, why
        for name in MAKE.findall(line):
            if targets and name not in targets:
                yield no, f"no target {name} in the Makefile"


def version_said():
    meson = pathlib.Path("meson.build")
    log = pathlib.Path("CHANGELOG.md")
    if not meson.exists() or not log.exists():
        return None
    want = re.search(r"version: '([^']+)'", meson.read_text())[1]
    got = re.search(r"^## (\S+)", log.read_text(), re.M)
    if not got or got[1] != want:
        return f"CHANGELOG.md: first version is {got and got[1]}, " \
               f"meson.build says {want}"
    return None


def fuzz_targets_not_told():
    """Every target has its row, so that a reader without one is seen."""
    doc = pathlib.Path("docs/fuzzing.md")
    told = doc.read_text() if doc.exists() else ""
    for path in sorted(pathlib.Path("test/fuzz").glob("fuzz_*.c")):
        name = path.stem.removeprefix("fuzz_")
        if name != "main" and f"`{name}`" not in told:
            yield f"docs/fuzzing.md: no row of {path}"


def main():
    bad = 0
    makefile = pathlib.Path("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text(), re.M)) \
        if makefile.exists() else set()
    for path in sorted(pathlib.Path(".").rglob("*.md")):
        if SKIP & set(path.parts) or "data" in path.parts:
            continue
        for no, why in check(path, targets):
            bad += 1
            print(f"{path}:{no}: {why}")
    for why in fuzz_targets_not_told():
        bad += 1
        print(why)
    why = version_said()
    if why:
        bad += 1
        print(why)
    return bad != 0


sys.exit(main())
