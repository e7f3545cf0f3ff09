"""A session ended at Telegram: told at once, with advice, and left alone."""
import time

import pytest

pytest.importorskip("telethon")

from fleet import ACCOUNTS, START_ALL, wait  # noqa: E402

ANN, BEN = "9996610001", "9996620002"


def watch_connections(f, phone, seconds):
    """The account's connections over a while; there is nothing to poll for."""
    time.sleep(seconds)
    return f.seen(phone)["connects"]


def test_revoked_is_told_and_left_alone(fleet):
    fleet.expect(r"ev=acc\.\w+ .*acc=%s" % ANN)
    fleet.start("node-a")
    fleet.upload(fleet.sign_in(ANN), fleet.sign_in(BEN))
    assert fleet.post(START_ALL, {"wait": "30s"})["success"]
    connects = fleet.seen(ANN)["connects"]
    told = fleet.admin("/sessions/revoke", {"phone": ANN})
    assert told["revoked"] == 1
    begin = time.monotonic()
    a = fleet.wait_status(ANN, "revoked", 5)
    # the hang-up, one more try after about a second to learn why, a beat
    assert time.monotonic() - begin < 4
    assert a["last_error"]["advice"] and a["last_error"]["message"]
    assert a["last_error"]["code"] and a["status_since"]

    # it may have asked once more to learn why, and never again
    after = fleet.seen(ANN)["connects"]
    assert after <= connects + 1
    assert watch_connections(fleet, ANN, 4) == after
    assert fleet.seen(ANN)["online"] == 0
    assert fleet.account(BEN)["status"] == "online"
    assert fleet.seen(BEN)["connects"] == 1 + 1  # Telethon's, and ours

    # start-all names it and does not try
    got = fleet.post(START_ALL, {"wait": "10s"})
    failed, = got["failed_accounts"]
    assert failed["account_id"] == ANN and failed["advice"]
    assert [x["account_id"] for x in got["successful_accounts"]] == [BEN]
    assert fleet.seen(ANN)["connects"] == after

    # neither part forgets it
    fleet.expect_lost("serve", "worker")
    fleet.workers["node-a"].kill()
    wait(lambda: fleet.seen(BEN)["online"] == 0)
    fleet.workers["node-a"].start()
    wait(lambda: fleet.seen(BEN)["online"] == 1)
    fleet.serve.kill()
    fleet.serve.start()
    fleet.wait_status(BEN, "online")
    assert fleet.account(ANN)["status"] == "revoked"
    assert watch_connections(fleet, ANN, 1) == after

    # a new session is a new life
    (fleet.dir / f"{ANN}.session").unlink()
    fleet.upload(fleet.sign_in(ANN))
    fleet.post(f"{ACCOUNTS}/{ANN}/start")
    a = fleet.wait_status(ANN, "online")
    assert a["last_error"] is None and a["session"]["version"] == 2
