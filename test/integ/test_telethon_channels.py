"""Channels, forwards, edits and deletions, with Debian's Telethon.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio

import pytest

pytest.importorskip("telethon")

from telethon import errors, events, functions, types  # noqa: E402

from fleet import run  # noqa: E402
from telethon_aim import client, sign_in  # noqa: E402
from test_telethon import (  # noqa: E402
    ADA, BORIS, CARL, collector, make_people)

chan = functions.channels
msgs = functions.messages


async def pair(dc, *phones):
    out = []
    for phone in phones or (ADA, BORIS):
        c = client(dc)
        await sign_in(c, phone)
        await c.get_me()
        out.append(c)
    return out


async def make_channel(c, title, megagroup=True, invite=()):
    r = await c(chan.CreateChannelRequest(
        title, "about it", megagroup=megagroup, broadcast=not megagroup))
    channel = r.chats[0]
    if invite:
        await c(chan.InviteToChannelRequest(channel, list(invite)))
    return channel


async def close(*clients):
    for c in clients:
        await c.disconnect()


def test_supergroup_is_made_joined_and_talked_in(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        next_b = collector(b)
        ch = await make_channel(a, "Super", invite=["boris_two"])
        assert ch.megagroup and ch.creator and not ch.left
        for n in range(3):
            await a.send_message(ch, f"line {n}")
        for n in range(3):
            e = await next_b()
            assert e.raw_text == f"line {n}"
            assert e.is_channel and e.is_group and e.chat.title == "Super"
        await e.reply("answer")
        got = await a.get_messages(ch, limit=10)
        assert [m.message for m in got][:4] == [
            "answer", "line 2", "line 1", "line 0"]
        assert got[0].reply_to.reply_to_msg_id == e.id
        assert isinstance(got[-1].action, types.MessageActionChannelCreate)
        dialog = (await b.get_dialogs())[0]
        assert dialog.title == "Super" and dialog.unread_count == 0
        await a.send_message(ch, "unread")
        assert (await b.get_dialogs())[0].unread_count == 1
        await b.send_read_acknowledge(e.chat_id)
        assert (await b.get_dialogs())[0].unread_count == 0
        found = await a.get_messages(ch, search="line", limit=10)
        assert len(found) == 3
        people = await a.get_participants(ch)
        assert {p.username for p in people} == {"ada_one", "boris_two"}
        await b(chan.LeaveChannelRequest(e.chat_id))
        with pytest.raises(errors.ChannelPrivateError):
            await b.send_message(e.chat_id, "gone")
        await close(a, b)
    run(go())


def test_broadcast_only_admins_post(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        next_b = collector(b)
        ch = await make_channel(a, "News", megagroup=False,
                                invite=["boris_two"])
        await a.send_message(ch, "headline")
        e = await next_b()
        assert e.raw_text == "headline" and e.message.post
        assert e.message.from_id is None and not e.is_group
        where = await e.get_input_chat()
        with pytest.raises(errors.ChatAdminRequiredError):
            await b.send_message(where, "me too")
        await a.edit_admin(ch, "boris_two", post_messages=True)
        await b.send_message(where, "now I may")
        with pytest.raises(errors.ChatAdminRequiredError):
            await b.edit_admin(where, "carl_three", post_messages=True)
        await close(a, b)
    run(go())


def test_names_and_links_lead_in(dc):
    make_people(dc)

    async def go():
        a, b, c = await pair(dc, ADA, BORIS, CARL)
        ch = await make_channel(a, "Open")
        await a(chan.UpdateUsernameRequest(ch, "open_house"))
        with pytest.raises(errors.UsernameOccupiedError):
            await b(chan.UpdateUsernameRequest(
                await make_channel(b, "Other"), "open_house"))
        await a.send_message(ch, "welcome")
        seen = await b.get_entity("open_house")
        assert seen.title == "Open" and seen.left
        assert (await b.get_messages("open_house", limit=1))[0].message == (
            "welcome")
        with pytest.raises(errors.ChatWriteForbiddenError):
            await b.send_message("open_house", "not yet")
        await b(chan.JoinChannelRequest("open_house"))
        await b.send_message("open_house", "joined")

        invite = await a(msgs.ExportChatInviteRequest(ch))
        hash_ = invite.link.rsplit("+", 1)[1]
        look = await c(msgs.CheckChatInviteRequest(hash_))
        assert look.title == "Open" and look.megagroup
        r = await c(msgs.ImportChatInviteRequest(hash_))
        assert r.chats[0].title == "Open"
        with pytest.raises(errors.UserAlreadyParticipantError):
            await c(msgs.ImportChatInviteRequest(hash_))
        with pytest.raises(errors.InviteHashExpiredError):
            await c(msgs.ImportChatInviteRequest("0" * 16))
        await close(a, b, c)
    run(go())


def test_banned_cannot_write_nor_come_back(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Strict")
        await a(chan.UpdateUsernameRequest(ch, "strict_house"))
        await b(chan.JoinChannelRequest("strict_house"))
        await a.edit_permissions(ch, "boris_two", send_messages=False)
        with pytest.raises(errors.UserBannedInChannelError):
            await b.send_message("strict_house", "hm")
        await a.edit_permissions(ch, "boris_two", view_messages=False)
        with pytest.raises(errors.ChannelPrivateError):
            await b(chan.JoinChannelRequest("strict_house"))
        kicked = await a.get_participants(
            ch, filter=types.ChannelParticipantsKicked(""))
        assert [p.username for p in kicked] == ["boris_two"]
        await close(a, b)
    run(go())


def test_slow_mode_and_no_forwards(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Slow", invite=["boris_two"])
        await a(chan.ToggleSlowModeRequest(ch, 30))
        b.flood_sleep_threshold = 0
        await b.get_dialogs()
        peer = await b.get_input_entity(-1000000000000 - ch.id)
        sent = await b.send_message(peer, "one")
        with pytest.raises(errors.SlowModeWaitError) as e:
            await b.send_message(peer, "two")
        assert 1 <= e.value.seconds <= 30
        await a.send_message(ch, "the creator may")
        await a.send_message(ch, "always")
        await b.forward_messages("me", sent)
        await a(msgs.ToggleNoForwardsRequest(ch, True))
        with pytest.raises(errors.BadRequestError,
                           match="CHAT_FORWARDS_RESTRICTED"):
            await b.forward_messages("me", sent)
        await close(a, b)
    run(go())


def test_forward_keeps_or_drops_the_author(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        news = await make_channel(a, "News", megagroup=False)
        group = await make_channel(a, "Group", invite=["boris_two"])
        sent = [await a.send_message(news, f"item {n}") for n in range(3)]
        next_b = collector(b)
        out = await a.forward_messages(group, sent)
        assert [m.message for m in out] == ["item 0", "item 1", "item 2"]
        for n in range(3):
            e = await next_b()
            assert e.raw_text == f"item {n}"
            assert e.message.fwd_from.from_id.channel_id == news.id
            assert e.message.fwd_from.channel_post == sent[n].id
        r = await a(msgs.ForwardMessagesRequest(
            news, [sent[0].id], group, random_id=[5], drop_author=True))
        bare = r.updates[1].message
        assert bare.fwd_from is None and bare.message == "item 0"
        # a forward of a forward names the first author
        again = await a.forward_messages("boris_two", out[0])
        assert again.fwd_from.channel_post == sent[0].id
        own = await a.send_message("boris_two", "mine")
        kept = (await a.forward_messages(group, [own]))[0]
        assert kept.fwd_from.from_id.user_id == (await a.get_me()).id
        await close(a, b)
    run(go())


def test_forward_refusals_and_random_ids(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        ch = await a.get_input_entity(await make_channel(a, "Target"))
        me = await a.get_input_entity("me")
        ids = [(await a.send_message("me", f"m{n}")).id for n in range(2)]

        def request(which, randoms):
            return msgs.ForwardMessagesRequest(
                me, which, ch, random_id=randoms)
        await a(request(ids, [11, 12]))
        a._request_retries = 1
        for randoms in ([11, 12], [13, 13]):
            with pytest.raises(ValueError):  # 500 RANDOM_ID_DUPLICATE
                await a(request(ids, randoms))
        for which, randoms, error in (
                (ids, [14], "RANDOM_ID_INVALID"),
                ([], [], "MESSAGE_IDS_EMPTY"),
                ([99999], [15], "MESSAGE_ID_INVALID")):
            with pytest.raises(errors.BadRequestError) as e:
                await a(request(which, randoms))
            assert error in str(e.value) or type(e.value).__name__ == (
                error.title().replace("_", "") + "Error")
        got = await a.get_messages(ch, limit=10)
        assert [m.message for m in got[:2]] == ["m1", "m0"]
        assert len(got) == 3
        await close(a)
    run(go())


def test_edits_and_deletions_are_told(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        seen = asyncio.Queue()
        b.add_event_handler(seen.put, events.MessageEdited())
        b.add_event_handler(seen.put, events.MessageDeleted())
        ch = await make_channel(a, "Group", invite=["boris_two"])
        basic = (await a(msgs.CreateChatRequest(
            ["boris_two"], "Basic"))).chats[0]
        for where in (ch, "boris_two", -basic.id):
            m = await a.send_message(where, "befor")
            with pytest.raises(errors.MessageNotModifiedError):
                await a.edit_message(where, m, "befor")
            await a.edit_message(where, m, "after")
            e = await asyncio.wait_for(seen.get(), 10)
            assert e.raw_text == "after" and e.message.edit_date
            got = await a.get_messages(where, limit=1)
            assert got[0].message == "after"
            other = e.message
            place = await e.get_input_chat()
            with pytest.raises(errors.MessageAuthorRequiredError):
                await b.edit_message(place, other, "x")
            await a.delete_messages(where, [m])
            d = await asyncio.wait_for(seen.get(), 10)
            assert d.deleted_ids == [other.id]
            assert (await a.get_messages(where, ids=m.id)) is None
            left = await b.get_messages(place, limit=5)
            assert other.id not in [x.id for x in left]
        await close(a, b)
    run(go())


def test_channel_difference_after_a_gap(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        next_b = collector(b)
        ch = await make_channel(a, "Gap", invite=["boris_two"])
        await a.send_message(ch, "start")
        assert (await next_b()).raw_text == "start"
        dc.call("/faults", {"kind": "lose", "phone": BORIS, "count": 4})
        sent = [await a.send_message(ch, f"lost {n}") for n in range(3)]
        await a.edit_message(ch, sent[0], "lost 0, edited")
        await a.send_message(ch, "seen")
        assert [(await next_b()).raw_text for _ in range(4)] == [
            "lost 0, edited", "lost 1", "lost 2", "seen"]
        peer = await b.get_input_entity(-1000000000000 - ch.id)
        d = await b(functions.updates.GetChannelDifferenceRequest(
            peer, types.ChannelMessagesFilterEmpty(), 1, 3))
        assert not d.final and d.pts == 4
        await close(a, b)
    run(go())


def test_channels_survive_kill_of_the_dc(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Kept", invite=["boris_two"])
        await a(chan.UpdateUsernameRequest(ch, "kept_house"))
        one = await a.send_message(ch, "one")
        two = await a.send_message(ch, "two", reply_to=one)
        await a.edit_message(ch, one, "one!")
        gone = await a.send_message(ch, "gone")
        await a.delete_messages(ch, [gone])
        fwd = await a.forward_messages("boris_two", two)
        own = await a.send_message("boris_two", "old")
        await a.edit_message("boris_two", own, "new")
        await asyncio.get_running_loop().run_in_executor(None, dc.restart)
        got = await a.get_messages("kept_house", limit=3)
        assert [m.message for m in got[:2]] == ["two", "one!"]
        assert got[0].reply_to.reply_to_msg_id == one.id
        assert (await a.get_messages(ch, ids=gone.id)) is None
        private = await a.get_messages("boris_two", limit=2)
        assert [m.message for m in private] == ["new", "two"]
        assert private[1].fwd_from.date == fwd.fwd_from.date
        await b.send_message("kept_house", "still in")
        assert (await a(chan.GetFullChannelRequest(
            ch))).full_chat.participants_count == 2
        await close(a, b)
    run(go())
