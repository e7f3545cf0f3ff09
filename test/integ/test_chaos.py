"""A few rounds of test/chaos/lease_chaos.py; `make chaos` does hundreds."""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "chaos"))

from lease_chaos import run  # noqa: E402


def test_one_account_one_node_whatever_happens(tmp_path):
    assert run(tmp_path / "fleet", 9, 20261122, seconds=18) >= 3
