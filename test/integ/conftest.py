"""Fixtures of the process tests.  TGFLEET_BIN names the program."""
import os
import pathlib
import sys

import pytest

import fleet as fleetlib

sys.path.append(str(pathlib.Path(__file__).parents[1] / "lib"))

# One program for the whole run, whatever is built meanwhile.
os.environ["TGFLEET_BIN"] = fleetlib.program()


def pytest_addoption(parser):
    parser.addoption("--database", choices=("sqlite", "postgresql"),
                     default="sqlite", help="what serve keeps its data in")


def pytest_configure(config):
    config.addinivalue_line("markers", "sqlite: looks into the file")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--database") == "sqlite":
        return
    theirs = [i for i in items if i.get_closest_marker("sqlite")]
    config.hook.pytest_deselected(items=theirs)
    items[:] = [i for i in items if i not in theirs]


@pytest.fixture(scope="session", autouse=True)
def database(request):
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    from postgres import Postgres
    fleetlib.POSTGRES = Postgres()
    yield
    fleetlib.POSTGRES.close()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed


def tails(f):
    for p, log, _ in f.texts():
        yield f"--- {p.name}", log.decode(errors="replace")[-1500:]


@pytest.fixture
def fleet(tmp_path, request):
    """An empty fleet; the test starts what it needs."""
    f = fleetlib.Fleet(tmp_path / "fleet")
    yield f
    try:
        f.close()
    except BaseException:
        if not getattr(request.node, "failed", False):
            raise
    finally:
        if getattr(request.node, "failed", False):
            for head, text in tails(f):
                print(head, text, sep="\n")


@pytest.fixture
def dc(tmp_path):
    """A data centre alone."""
    it = fleetlib.Dc(tmp_path)
    yield it
    it.close()
