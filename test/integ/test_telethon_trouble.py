"""Flood rules, bans and faults on command, with Debian's Telethon (layer 144)."""
import asyncio
import time

import pytest

pytest.importorskip("telethon")

from telethon import errors, functions  # noqa: E402

from fleet import run  # noqa: E402
from telethon_aim import client, sign_in  # noqa: E402
from test_telethon import ADA, BORIS, collector, make_people  # noqa: E402
from test_telethon_channels import close, pair  # noqa: E402

SEND = "messages.sendMessage"


def rules(dc, *some):
    dc.call("/rules", {"rules": list(some)})


def test_budget_then_wait_then_again(dc):
    make_people(dc)
    rules(dc, {"method": SEND, "phone": ADA, "budget": 2, "window": 60,
               "wait": 2})

    async def go():
        a, b = await pair(dc)
        a.flood_sleep_threshold = 0
        for n in range(2):
            await a.send_message("boris_two", f"{n}")
        with pytest.raises(errors.FloodWaitError) as e:
            await a.send_message("boris_two", "too much")
        assert e.value.seconds == 2
        assert dc.counters()["calls_during_flood_wait"] == 0
        with pytest.raises(errors.FloodWaitError):
            await a.send_message("boris_two", "impatient")
        assert dc.counters()["calls_during_flood_wait"] == 1
        await b.send_message("ada_one", "others are not concerned")
        await asyncio.sleep(2.1)
        await a.send_message("boris_two", "after the wait")
        got = await b.get_messages("ada_one", limit=9)
        assert [m.message for m in got] == [
            "after the wait", "others are not concerned", "1", "0"]
        await close(a, b)
    run(go())


def test_budget_of_each_chat_and_other_errors(dc):
    make_people(dc)
    rules(dc, {"method": SEND, "per_chat": True, "budget": 1, "wait": 30},
          {"method": "messages.createChat", "error": "PEER_FLOOD", "wait": 9})

    async def go():
        a, = await pair(dc, ADA)
        a.flood_sleep_threshold = 0
        await a.send_message("boris_two", "one")
        await a.send_message("carl_three", "one")
        with pytest.raises(errors.FloodWaitError):
            await a.send_message("boris_two", "two")
        with pytest.raises(errors.PeerFloodError):
            await a(functions.messages.CreateChatRequest(
                ["boris_two"], "x"))
        rules(dc)
        a._flood_waited_requests.clear()  # Telethon would wait by itself
        await a.send_message("boris_two", "free again")
        await close(a)
    run(go())
    dc.call("/rules", {"rules": [{"budget": 1}]}, status=422)
    dc.call("/rules", {}, status=422)


def test_banned_frozen_and_deactivated(dc):
    make_people(dc)

    def state(what):
        dc.call("/accounts/state", {"phone": ADA, "state": what})

    async def go():
        a, = await pair(dc, ADA)
        a.flood_sleep_threshold = 0
        state("frozen")
        with pytest.raises(errors.RPCError, match="FROZEN_METHOD_INVALID"):
            await a.send_message("me", "x")
        assert (await a.get_me()).phone == ADA
        await asyncio.get_running_loop().run_in_executor(None, dc.restart)
        with pytest.raises(errors.RPCError, match="FROZEN_METHOD_INVALID"):
            await a.send_message("me", "x")
        state("deactivated")
        with pytest.raises(errors.UserDeactivatedError):
            await a.send_message("me", "x")
        state("banned")
        with pytest.raises(errors.UserDeactivatedBanError):
            await a.send_message("me", "x")
        b = client(dc)
        await b.connect()
        with pytest.raises(errors.PhoneNumberBannedError):
            await b.send_code_request(ADA)
        state("ok")
        await a.send_message("me", "back")
        await close(a, b)
    run(go())
    dc.call("/accounts/state", {"phone": ADA, "state": "tired"}, status=422)


@pytest.mark.parametrize("fault", [
    {"kind": "hold", "method": SEND},
    {"kind": "duplicate", "count": 3}, {"kind": "salt"},
])
def test_sent_once_whatever_happens(dc, fault):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        peer = await a.get_input_entity("boris_two")
        await a.send_message(peer, "before")
        dc.call("/faults", {"phone": ADA, **fault})
        await asyncio.wait_for(a.send_message(peer, "once"), 15)
        await a.send_message(peer, "after")
        got = await a.get_messages(peer, limit=9)
        assert [m.message for m in got] == ["after", "once", "before"]
        await close(a)
    run(go())
    assert dc.counters()["faults"] >= 1


@pytest.mark.parametrize("fault", [
    {"kind": "truncate"}, {"kind": "corrupt", "value": 40}])
def test_a_damaged_answer_is_not_believed(dc, fault):
    """Telethon leaves it at that; over a new connection it asks again."""
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        peer = await a.get_input_entity("boris_two")
        dc.call("/faults", {"phone": ADA, **fault})
        task = asyncio.create_task(a.send_message(peer, "once"))
        await asyncio.sleep(0.7)
        assert not task.done()
        dc.call("/faults", {"kind": "drop", "phone": ADA})
        await asyncio.wait_for(task, 15)
        got = await a.get_messages(peer, limit=9)
        assert [m.message for m in got] == ["once"]
        await close(a)
    run(go())


def test_one_answer_late_and_the_next_not(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        dc.call("/faults", {"kind": "delay", "phone": ADA, "method": SEND,
                            "delay_ms": 1500})
        began = time.monotonic()
        late = asyncio.create_task(a.send_message("me", "late"))
        await asyncio.sleep(0.2)
        await a.get_me()
        assert time.monotonic() - began < 1
        await late
        assert time.monotonic() - began >= 1.4
        await close(a)
    run(go())


def test_a_swallowed_answer_never_comes(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        dc.call("/faults", {"kind": "swallow", "phone": ADA, "method": SEND})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(a.send_message("me", "done"), 1)
        assert (await a.get_messages("me", limit=1))[0].message == "done"
        await close(a)
    run(go())


def test_wrong_clock(dc):
    make_people(dc)

    async def go():
        for skew in (4000, -4000):
            dc.call("/faults", {"kind": "skew", "value": skew})
            a = client(dc)
            await sign_in(a, ADA)
            await a.send_message("me", "which time is it?")
            await close(a)
    run(go())


def test_faults_are_limited_and_named(dc):
    for _ in range(64):
        dc.call("/faults", {"kind": "lose"})
    dc.call("/faults", {"kind": "lose"}, status=409)
    dc.call("/faults", {"kind": "none"})
    dc.call("/faults", {"kind": "earthquake"}, status=422)
