"""Fixtures of the process tests.  TGFLEET_BIN names the program."""
import os

import pytest

import fleet as fleetlib

# One program for the whole run, whatever is built meanwhile.
os.environ["TGFLEET_BIN"] = fleetlib.program()


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
