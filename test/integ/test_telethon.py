"""Debian's Telethon, which nobody here wrote, against `tgfleet dc`.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio
import sqlite3

import pytest

pytest.importorskip("telethon")

from telethon import errors, events, functions  # noqa: E402
from telethon.network import (  # noqa: E402
    ConnectionTcpAbridged, ConnectionTcpFull, ConnectionTcpIntermediate,
    ConnectionTcpObfuscated)

from fleet import run  # noqa: E402
from telethon_aim import client, code_of, sign_in  # noqa: E402

ADA, BORIS, CARL = "9996610001", "9996610002", "9996611003"


@pytest.mark.parametrize("transport", [
    ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate,
    ConnectionTcpObfuscated])
def test_sign_in_and_talk_over(dc, transport):
    async def go():
        c = client(dc, connection=transport)
        user = await sign_in(c, ADA)
        me = await c.get_me()
        assert me.id == user.id and me.phone == ADA and me.is_self
        sent = await c.send_message("me", "note to self äöü €")
        got = await c.get_messages("me", limit=10)
        assert [m.message for m in got] == ["note to self äöü €"]
        assert got[0].id == sent.id and got[0].out
        await c.disconnect()
    run(go())
    assert dc.counters()["handshakes"] == 1


def test_wrong_codes_and_numbers_are_refused(dc):
    async def go():
        c = client(dc)
        await c.connect()
        assert not await c.is_user_authorized()
        with pytest.raises(errors.PhoneNumberInvalidError):
            await c.send_code_request("4912345678")
        await c.send_code_request(ADA)
        with pytest.raises(errors.PhoneCodeInvalidError):
            await c.sign_in(ADA, "12345")
        with pytest.raises(errors.PhoneCodeExpiredError):
            await c.sign_in(ADA, code_of(ADA), phone_code_hash="feedbeef")
        assert not await c.is_user_authorized()
        await c.sign_in(ADA, code_of(ADA))
        assert await c.is_user_authorized()
        with pytest.raises(errors.UsernameNotOccupiedError):
            await c(functions.contacts.ResolveUsernameRequest("nobody_here"))
        await c.disconnect()
    run(go())


def test_number_of_another_dc_migrates(dc):
    async def go():
        c = client(dc, dc_id=1)
        phone = "9996630007"
        await sign_in(c, phone)
        assert c.session.dc_id == 3
        assert c.session.port == dc.dcs[3][1]
        assert (await c.get_me()).phone == phone
        await c.disconnect()
    run(go())


def make_people(dc):
    for phone, name, username in ((ADA, "Ada", "ada_one"),
                                  (BORIS, "Boris", "boris_two"),
                                  (CARL, "Carl", "carl_three")):
        dc.call("/users", {"phone": phone, "first_name": name,
                           "username": username, "home_dc": 1})


def collector(c):
    box = asyncio.Queue()

    async def put(e):
        await box.put(e)

    async def take():
        return await asyncio.wait_for(box.get(), 10)
    c.add_event_handler(put, events.NewMessage(incoming=True))
    return take


def test_two_people_chat_in_private_and_in_a_group(dc):
    make_people(dc)

    async def go():
        a, b = client(dc), client(dc)
        await sign_in(a, ADA)
        await sign_in(b, BORIS)
        next_a, next_b = collector(a), collector(b)

        await a.send_message("boris_two", "hi Boris")
        e = await next_b()
        assert e.raw_text == "hi Boris" and e.is_private
        assert (await e.get_sender()).first_name == "Ada"
        await e.reply("hi Ada")
        assert (await next_a()).raw_text == "hi Ada"

        result = await a(functions.messages.CreateChatRequest(
            ["boris_two", "carl_three"], "Three of us"))
        chat = result.chats[0]
        assert chat.title == "Three of us"
        for n in range(5):
            await a.send_message(chat.id * -1, f"line {n}")
            e = await next_b()
            assert e.raw_text == f"line {n}"
            assert e.is_group and e.chat_id == -chat.id
        titles = [d.title for d in await b.get_dialogs()]
        assert titles == ["Three of us", "Ada"]
        history = await b.get_messages(-chat.id, limit=50)
        assert [m.message for m in history][:5] == [
            f"line {n}" for n in (4, 3, 2, 1, 0)]
        assert history[-1].action.title == "Three of us"
        dialog = (await b.get_dialogs())[0]
        assert dialog.unread_count == 6
        await b.send_read_acknowledge(-chat.id, history[0])
        assert (await b.get_dialogs())[0].unread_count == 0
        await a.disconnect()
        await b.disconnect()
    run(go())


def test_history_pages_and_single_messages(dc):
    make_people(dc)
    dc.call("/messages", {"from": BORIS, "to": ADA, "text": "bulk",
                          "count": 250})

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        all_ids = [m.id async for m in a.iter_messages("boris_two")]
        assert len(all_ids) == 250
        assert all_ids == sorted(all_ids, reverse=True)
        oldest = [m.id async for m in a.iter_messages(
            "boris_two", reverse=True, limit=120)]
        assert oldest == sorted(all_ids)[:120]
        some = await a.get_messages("boris_two", ids=[all_ids[0], 999999])
        assert some[0].message == "bulk" and some[1] is None
        await a.disconnect()
    run(go())


def test_same_random_id_is_one_message(dc):
    make_people(dc)

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        peer = await a.get_input_entity("boris_two")
        req = functions.messages.SendMessageRequest(peer, "once",
                                                    random_id=77)
        first = await a(req)
        second = await a(req)
        assert first.id == second.id and first.pts == second.pts
        assert len(await a.get_messages(peer, limit=10)) == 1
        with pytest.raises(errors.RPCError):
            await a(functions.messages.SendMessageRequest(peer, "",
                                                          random_id=78))
        await a.disconnect()
    run(go())
    assert dc.account(BORIS)["messages"] == 1


def test_difference_tells_what_was_missed(dc):
    make_people(dc)

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        before = await a(functions.updates.GetStateRequest())
        dc.call("/messages", {"from": BORIS, "to": ADA, "text": "missed",
                              "count": 150})
        pts, got = before.pts, []
        while True:
            d = await a(functions.updates.GetDifferenceRequest(
                pts, before.date, 0))
            name = type(d).__name__
            if name == "DifferenceEmpty":
                break
            got += [m.message for m in d.new_messages]
            pts = (d.intermediate_state if name == "DifferenceSlice"
                   else d.state).pts
        assert got == ["missed"] * 150 and pts == before.pts + 150
        await a.disconnect()
    run(go())


def test_session_file_survives_kill_of_the_dc(dc, tmp_path):
    make_people(dc)
    path = tmp_path / "ada.session"

    async def first():
        a = client(dc, path)
        await sign_in(a, ADA)
        await a.send_message("boris_two", "before the crash")
        await a.disconnect()
        return a.session.auth_key.key

    async def second():
        a = client(dc, path)
        await a.connect()
        assert await a.is_user_authorized()
        got = await a.get_messages("boris_two", limit=5)
        assert [m.message for m in got] == ["before the crash"]
        await a.send_message("boris_two", "after the crash")
        await a.disconnect()

    key = run(first())
    dc.restart()
    run(second())
    row = sqlite3.connect(path).execute(
        "SELECT dc_id, port, auth_key FROM sessions").fetchone()
    assert row == (1, dc.dcs[1][1], key)
    assert dc.account(BORIS)["messages"] == 2
    assert dc.counters()["handshakes"] == 0


def test_client_lives_through_kill_of_the_dc(dc):
    make_people(dc)

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        await a.send_message("me", "one")
        await asyncio.get_running_loop().run_in_executor(None, dc.restart)
        await a.send_message("me", "two")
        got = await a.get_messages("me", limit=5)
        assert [m.message for m in got] == ["two", "one"]
        await a.disconnect()
    run(go())


def test_revoked_session_is_told_and_hung_up(dc):
    make_people(dc)

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        await a.get_me()
        assert dc.call("/sessions/revoke", {"phone": ADA})["revoked"] == 1
        with pytest.raises(errors.UnauthorizedError):
            await a.send_message("me", "still here?")
        await a.disconnect()
    run(go())
    dc.call("/sessions/revoke", {"phone": ADA}, status=404)


def test_a_key_used_twice_at_once_dies(dc, tmp_path):
    make_people(dc)
    dc.expected_duplicates = 1
    from telethon.sessions import StringSession

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        await a.get_me()
        copy = StringSession(StringSession.save(a.session))
        b = client(dc, copy)
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await b.connect()
        await b.disconnect()
        # The key is dead for the first one as well.
        with pytest.raises(errors.AuthKeyDuplicatedError):
            await a.send_message("me", "me too")
        await a.disconnect()
    run(go())


def test_a_silent_user_of_a_key_is_found(dc):
    make_people(dc)
    dc.expected_duplicates = 1
    from telethon.sessions import StringSession

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        await a.get_me()
        await asyncio.sleep(2.5)  # so long nothing was heard of it
        b = client(dc, StringSession(StringSession.save(a.session)))
        with pytest.raises(errors.AuthKeyDuplicatedError):
            # Already here, or when the first one has acknowledged.
            await b.connect()
            await asyncio.sleep(1)
            await b.send_message("me", "me too")
        await b.disconnect()
        await a.disconnect()
    run(go())


def test_frozen_user_of_a_key_may_wake_and_leave(dc, tmp_path):
    """SIGSTOP: the connection stays open, another place takes over."""
    import multiprocessing
    from telethon.sessions import StringSession
    make_people(dc)
    text = {}

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        text["s"] = StringSession.save(a.session)
        await a.disconnect()
    run(go())

    def frozen(s, ready):
        async def hold():
            a = client(dc, StringSession(s))
            await a.connect()
            await a.get_me()
            ready.set()
            await asyncio.sleep(60)
        asyncio.run(hold())

    ready = multiprocessing.Event()
    p = multiprocessing.Process(target=frozen, args=(text["s"], ready),
                                daemon=True)
    p.start()
    try:
        watch_takeover(dc, text["s"], p, ready)
    finally:
        p.kill()
        p.join(10)


def watch_takeover(dc, session, p, ready):
    import os
    import signal
    import time
    from telethon.sessions import StringSession

    assert ready.wait(20)
    time.sleep(0.3)
    os.kill(p.pid, signal.SIGSTOP)
    time.sleep(2.5)

    async def second():
        b = client(dc, StringSession(session))
        await b.connect()
        await b.send_message("me", "taken over")
        await asyncio.sleep(0.5)
        assert dc.counters()["auth_key_duplicates"] == 0
        p.kill()
        p.join(10)
        await b.send_message("me", "still here")
        await b.disconnect()
    run(second())


def test_connection_used_again_is_no_duplicate(dc, tmp_path):
    make_people(dc)

    async def go():
        path = tmp_path / "again.session"
        a = client(dc, path)
        await sign_in(a, ADA)
        for _ in range(10):
            await a.get_me()
            await a.disconnect()
            a = client(dc, path)
            await a.connect()
        await a.disconnect()
    run(go())
    assert dc.counters()["auth_key_duplicates"] == 0


def test_sessions_are_listed_and_ended(dc):
    make_people(dc)

    async def go():
        a, b = client(dc), client(dc, device_model="other")
        await sign_in(a, ADA)
        await sign_in(b, ADA)
        auths = (await a(functions.account.GetAuthorizationsRequest())
                 ).authorizations
        assert sorted(x.device_model for x in auths) == [
            "other", "tgfleet test"]
        other = [x for x in auths if not x.current][0]
        await a(functions.account.ResetAuthorizationRequest(other.hash))
        with pytest.raises(errors.UnauthorizedError):
            await b.send_message("me", "x")
        assert await a.log_out()
        await b.disconnect()
    run(go())


def test_made_keys_work(dc):
    from telethon.crypto import AuthKey
    from telethon.sessions import StringSession
    import base64

    made = dc.call("/authkeys", {"count": 3})["authkeys"]
    assert len({k["auth_key"] for k in made}) == 3

    async def go():
        k = made[2]
        s = StringSession()
        s.set_dc(k["dc_id"], k["address"], k["port"])
        s.auth_key = AuthKey(base64.b64decode(k["auth_key"]))
        c = client(dc, s)
        await c.connect()
        assert (await c.get_me()).id == k["user_id"]
        await c.disconnect()
    run(go())


def test_dropped_connection_comes_back(dc):
    make_people(dc)

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        dc.call("/faults", {"kind": "drop", "phone": ADA})
        await a.send_message("me", "after the drop")
        assert len(await a.get_messages("me", limit=5)) == 1
        await a.disconnect()
    run(go())
    assert dc.counters()["drops"] == 1


def test_admin_refuses_nonsense(dc):
    dc.call("/users", {"phone": "abc"}, status=422)
    dc.call("/users", {"phone": ADA})
    dc.call("/users", {"phone": ADA}, status=409)
    dc.call("/chats", {"title": "x", "members": ["9996699999"]}, status=404)
    dc.call("/messages", {"from": ADA, "to": CARL, "text": "x"}, status=404)
    dc.call("/faults", {"kind": "earthquake"}, status=422)
    dc.call("/nothing", status=404)
