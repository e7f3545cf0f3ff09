"""The vault key is lost, or another one stands in its place: said at the start,
with the way out, and nothing is changed."""
import subprocess

import pytest

from fleet import Fleet


@pytest.fixture
def fleet(tmp_path):
    f = Fleet(tmp_path / "fleet")
    yield f
    f.close()


def refused(f):
    got = subprocess.run(
        f.serve.argv, capture_output=True, text=True, timeout=20)
    assert got.returncode == 1 and not got.stdout, got
    return got.stderr


def test_lost_or_other_key_is_refused_and_the_right_one_is_taken(fleet):
    fleet.start()
    fleet.upload(*fleet.make_keys(2))
    fleet.serve.end()
    path = fleet.data / "vault.key"
    right = path.read_text()
    path.unlink()
    assert "no vault key file" in refused(fleet)
    assert not path.exists()
    path.touch(0o600)
    path.write_text("5a" * 32)
    assert "opens none of the stored sessions" in refused(fleet)
    path.write_text("not a key")
    assert "vault key" in refused(fleet)
    path.write_text(right)
    path.chmod(0o644)
    assert "vault key" in refused(fleet)
    path.chmod(0o600)
    fleet.serve.start()
    assert len(fleet.accounts()) == 2
