"""Basic groups, links, pins, protection, search, with Debian's Telethon.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio
import datetime

import pytest

pytest.importorskip("telethon")

from telethon import errors, events, functions, types  # noqa: E402

from fleet import run  # noqa: E402
from test_telethon import ADA, BORIS, CARL, make_people  # noqa: E402
from test_telethon_channels import close, make_channel, pair  # noqa: E402

chan = functions.channels
msgs = functions.messages


def refused(name):
    """Errors this Telethon has no class for."""
    return pytest.raises(errors.RPCError, match=name)


async def updates_of(c, kind):
    """A coroutine that waits for the next raw update of the kind."""
    queue = asyncio.Queue()

    @c.on(events.Raw(kind))
    async def _(u):
        await queue.put(u)
    return lambda: asyncio.wait_for(queue.get(), 10)


async def make_group(c, title, *names):
    r = await c(msgs.CreateChatRequest([await c.get_input_entity(n)
                                        for n in names], title))
    return r.chats[0]


def test_group_members_come_and_go(dc):
    make_people(dc)

    async def go():
        a, b, c = await pair(dc, ADA, BORIS, CARL)
        next_b = await updates_of(b, types.UpdateNewMessage)
        next_c = await updates_of(c, types.UpdateNewMessage)
        g = await make_group(a, "Four walls", "boris_two")
        made = (await next_b()).message
        assert isinstance(made.action, types.MessageActionChatCreate)
        carl = await a.get_input_entity("carl_three")
        await a(msgs.AddChatUserRequest(g.id, carl, 10))
        for nxt in (next_b, next_c):
            action = (await nxt()).message.action
            assert isinstance(action, types.MessageActionChatAddUser)
            assert action.users == [(await c.get_me()).id]
        with pytest.raises(errors.UserAlreadyParticipantError):
            await a(msgs.AddChatUserRequest(g.id, carl, 10))
        await c.send_message(-g.id, "hello")
        assert (await next_b()).message.message == "hello"

        # Titles, admins: only for those who may.
        with pytest.raises(errors.ChatAdminRequiredError):
            await b(msgs.EditChatTitleRequest(g.id, "Mine"))
        boris = await a.get_input_entity("boris_two")
        next_admin = await updates_of(b, types.UpdateChatParticipantAdmin)
        assert await a(msgs.EditChatAdminRequest(g.id, boris, True))
        assert (await next_admin()).is_admin
        await b(msgs.EditChatTitleRequest(g.id, "Renamed"))
        action = (await next_c()).message.action
        while not isinstance(action, types.MessageActionChatEditTitle):
            action = (await next_c()).message.action
        assert action.title == "Renamed"
        full = await a(msgs.GetFullChatRequest(g.id))
        kinds = {type(p).__name__ for p in
                 full.full_chat.participants.participants}
        assert kinds == {"ChatParticipant", "ChatParticipantAdmin",
                         "ChatParticipantCreator"}
        assert await a(msgs.EditChatAboutRequest(
            types.InputPeerChat(g.id), "what for"))
        full = await b(msgs.GetFullChatRequest(g.id))
        assert full.full_chat.about == "what for"

        # Sent away: told, and out.
        await b(msgs.DeleteChatUserRequest(g.id, await b.get_input_entity(
            "carl_three")))
        action = (await next_c()).message.action
        assert isinstance(action, types.MessageActionChatDeleteUser)
        with pytest.raises(errors.ChatIdInvalidError):
            await c.send_message(-g.id, "let me in")
        with pytest.raises(errors.UserNotParticipantError):
            await a(msgs.DeleteChatUserRequest(g.id, carl))
        await close(a, b, c)
    run(go())


def test_group_becomes_a_supergroup(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        g = await make_group(a, "Small", "boris_two")
        await a(msgs.EditChatAdminRequest(
            g.id, await a.get_input_entity("boris_two"), True))
        with pytest.raises(errors.ChatAdminRequiredError):
            await b(msgs.MigrateChatRequest(g.id))
        r = await a(msgs.MigrateChatRequest(g.id))
        old = next(c for c in r.chats if isinstance(c, types.Chat))
        new = next(c for c in r.chats if isinstance(c, types.Channel))
        assert old.deactivated and old.migrated_to.channel_id == new.id
        assert new.megagroup and new.title == "Small"
        kinds = [type(u.message.action).__name__ for u in r.updates
                 if hasattr(u, "message")]
        assert kinds == ["MessageActionChatMigrateTo",
                         "MessageActionChannelMigrateFrom"]
        with pytest.raises((errors.ChatIdInvalidError,
                            errors.PeerIdInvalidError)):
            await a.send_message(-g.id, "nobody is here")
        dialogs = {d.title for d in await b.get_dialogs()}
        assert dialogs == {"Small"}
        there = next(d for d in await b.get_dialogs() if d.is_channel)
        await b.send_message(there, "moved")
        assert (await a.get_messages(new, limit=1))[0].message == "moved"
        perms = await a.get_permissions(new, "boris_two")
        assert perms.is_admin and not perms.add_admins
        await close(a, b)
    run(go())


def test_links_end_by_use_date_and_wish(dc):
    make_people(dc)

    async def go():
        a, b, c = await pair(dc, ADA, BORIS, CARL)
        ch = await make_channel(a, "Doors")
        once = await a(msgs.ExportChatInviteRequest(ch, usage_limit=1,
                                                    title="one only"))
        assert once.usage_limit == 1 and not once.permanent
        h = once.link.rsplit("+", 1)[1]
        await b(msgs.ImportChatInviteRequest(h))
        with pytest.raises(errors.InviteHashExpiredError):
            await c(msgs.ImportChatInviteRequest(h))
        got = await a(msgs.GetExportedChatInviteRequest(ch, once.link))
        assert got.invite.usage == 1 and got.invite.title == "one only"

        soon = await a(msgs.ExportChatInviteRequest(
            ch, expire_date=datetime.datetime.now(datetime.timezone.utc) +
            datetime.timedelta(seconds=2)))
        h = soon.link.rsplit("+", 1)[1]
        assert (await c(msgs.CheckChatInviteRequest(h))).title == "Doors"
        await asyncio.sleep(2.2)
        with pytest.raises(errors.InviteHashExpiredError):
            await c(msgs.CheckChatInviteRequest(h))

        # Asked for, and let in.
        ask = await a(msgs.ExportChatInviteRequest(ch, request_needed=True))
        with pytest.raises(errors.InviteRequestSentError):
            await c(msgs.ImportChatInviteRequest(ask.link.rsplit("+", 1)[1]))
        await a(msgs.HideChatJoinRequestRequest(
            ch, await a.get_input_entity("carl_three"), approved=True))
        assert ch.id in {d.entity.id for d in await c.get_dialogs()}

        # A new permanent one takes the old one's place.
        first = await a(msgs.ExportChatInviteRequest(ch))
        second = await a(msgs.ExportChatInviteRequest(ch))
        assert first.permanent and second.permanent
        me = await a.get_input_entity("me")
        good = await a(msgs.GetExportedChatInvitesRequest(ch, me, 50))
        links = {i.link for i in good.invites}
        assert second.link in links and first.link not in links
        await a(msgs.EditExportedChatInviteRequest(ch, second.link,
                                                   revoked=True))
        with pytest.raises(errors.InviteHashExpiredError):
            await c(msgs.CheckChatInviteRequest(
                second.link.rsplit("+", 1)[1]))
        bad = await a(msgs.GetExportedChatInvitesRequest(ch, me, 50,
                                                         revoked=True))
        assert second.link in {i.link for i in bad.invites}

        # Basic groups have links, too.
        g = await make_group(a, "Walls", "boris_two")
        link = await a(msgs.ExportChatInviteRequest(
            types.InputPeerChat(g.id)))
        r = await c(msgs.ImportChatInviteRequest(link.link.rsplit("+", 1)[1]))
        assert r.chats[0].title == "Walls"
        await c.send_message(-g.id, "in")
        await close(a, b, c)
    run(go())


def test_pins(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        await a.send_message("boris_two", "first")
        m = await a.send_message("boris_two", "important")
        next_pin = await updates_of(b, types.UpdatePinnedMessages)
        await a.pin_message("boris_two", m)
        seen = await next_pin()
        assert seen.pinned
        theirs = (await b.get_messages("ada_one", limit=3))[1]
        assert theirs.id == seen.messages[0] and theirs.pinned
        said = (await b.get_messages("ada_one", limit=1))[0]
        assert isinstance(said.action, types.MessageActionPinMessage)
        assert said.reply_to.reply_to_msg_id == theirs.id
        found = await b.get_messages("ada_one", limit=9,
                                     filter=types.InputMessagesFilterPinned)
        assert [x.id for x in found] == [theirs.id]
        await a.unpin_message("boris_two", m)
        assert not (await next_pin()).pinned

        ch = await make_channel(a, "Board", invite=["boris_two"])
        ids = [(await a.send_message(ch, f"line {n}")).id for n in range(3)]
        with pytest.raises(errors.ChatAdminRequiredError):
            await b.pin_message(await b.get_input_entity(
                (await b.get_dialogs())[0].entity), ids[0])
        next_pin = await updates_of(b, types.UpdatePinnedChannelMessages)
        await a.pin_message(ch, ids[0], notify=True)
        u = await next_pin()
        assert u.messages == [ids[0]] and u.pinned
        with pytest.raises(errors.ChatNotModifiedError):
            await a.pin_message(ch, ids[0])
        await a.pin_message(ch, ids[1])
        await a.unpin_message(ch)
        assert not any(x.pinned for x in await a.get_messages(ch, limit=9))
        await close(a, b)
    run(go())


def test_what_is_protected_is_not_forwarded(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Sealed", invite=["boris_two"])
        open_ = await a.send_message(ch, "open")
        r = await a(msgs.SendMessageRequest(ch, "sealed", noforwards=True))
        sealed = next(u.message for u in r.updates
                      if isinstance(u, types.UpdateNewChannelMessage))
        assert sealed.noforwards
        there = (await b.get_dialogs())[0].entity
        with refused("CHAT_FORWARDS_RESTRICTED"):
            await b.forward_messages("me", sealed.id, there)
        with refused("CHAT_FORWARDS_RESTRICTED"):
            await b(msgs.ForwardMessagesRequest(
                there, [open_.id, sealed.id], "me", random_id=[1, 2],
                drop_author=True))
        await b.forward_messages("me", open_.id, there)
        await a(msgs.ToggleNoForwardsRequest(ch, True))
        for copy in (False, True):
            with refused("CHAT_FORWARDS_RESTRICTED"):
                await b(msgs.ForwardMessagesRequest(
                    there, [open_.id], "me", random_id=[3],
                    drop_author=copy))
        g = await make_group(a, "Walls", "boris_two")
        await a(msgs.ToggleNoForwardsRequest(types.InputPeerChat(g.id), True))
        await a.send_message(-g.id, "inside")
        m = (await b.get_messages(-g.id, limit=1))[0]
        with refused("CHAT_FORWARDS_RESTRICTED"):
            await b.forward_messages("me", m)
        await close(a, b)
    run(go())


def test_slow_mode(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        b.flood_sleep_threshold = 0
        ch = await make_channel(a, "Slow", invite=["boris_two"])
        notes = [await b.send_message("me", f"note {n}") for n in range(3)]
        there = next(d.entity for d in await b.get_dialogs()
                     if d.is_channel)
        await a(chan.ToggleSlowModeRequest(ch, 10))
        with refused("SLOWMODE_MULTI_MSGS_DISABLED"):
            await b.forward_messages(there, notes)
        await b.forward_messages(there, notes[0])
        with pytest.raises(errors.SlowModeWaitError) as e:
            await b.send_message(there, "again")
        assert 8 <= e.value.seconds <= 10
        for n in range(3):
            await a.send_message(ch, f"the owner may {n}")
        await close(a, b)
    run(go())


def test_read_marks_and_typing_in_channels(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Talk", invite=["boris_two"])
        m = await a.send_message(ch, "read me")
        next_read = await updates_of(a, types.UpdateReadChannelOutbox)
        next_typing = await updates_of(a, types.UpdateChannelUserTyping)
        there = (await b.get_dialogs())[0].entity
        await b.send_read_acknowledge(there, max_id=m.id)
        u = await next_read()
        assert u.channel_id == ch.id and u.max_id == m.id
        async with b.action(there, "typing"):
            u = await next_typing()
        assert u.from_id.user_id == (await b.get_me()).id
        await close(a, b)
    run(go())


def test_search(dc, tmp_path):
    make_people(dc)
    picture = tmp_path / "p.jpg"
    picture.write_bytes(b"\xff\xd8" + b"p" * 3000)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Archive", invite=["boris_two"])
        there = (await b.get_dialogs())[0].entity
        await a.send_message(ch, "The Red house")
        await b.send_message(there, "a red door")
        await a.send_message(ch, "see https://example.org")
        await a.send_file(ch, str(picture), caption="picture")
        await a.send_file(ch, str(picture), force_document=True)

        async def texts(**kw):
            return [m.message for m in await a.get_messages(
                ch, limit=10, **kw)]
        assert await texts(search="RED") == ["a red door", "The Red house"]
        assert await texts(search="red", from_user="boris_two") == [
            "a red door"]
        assert await texts(filter=types.InputMessagesFilterUrl) == [
            "see https://example.org"]
        assert await texts(filter=types.InputMessagesFilterPhotos) == [
            "picture"]
        assert await texts(filter=types.InputMessagesFilterDocument) == [""]
        assert await texts(filter=types.InputMessagesFilterGif) == []
        found = await a.get_messages(ch, limit=1, search="red")
        assert found.total == 2
        await close(a, b)
    run(go())


def test_formatting_and_attributes_are_kept(dc, tmp_path):
    make_people(dc)
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film" * 500)

    async def go():
        a, b = await pair(dc)
        await a.send_message("boris_two", "**bold** and `code`")
        m = (await b.get_messages("ada_one", limit=1))[0]
        assert m.text == "**bold** and `code`"
        await m.forward_to("me")
        assert (await b.get_messages("me", limit=1))[0].text == m.text
        await a.send_file("boris_two", str(film), attributes=[
            types.DocumentAttributeVideo(7, 320, 240)], caption="__x__")
        m = (await b.get_messages("ada_one", limit=1))[0]
        video = next(x for x in m.document.attributes
                     if isinstance(x, types.DocumentAttributeVideo))
        assert (video.duration, video.w, video.h) == (7, 320, 240)
        assert m.file.name == "film.mp4" and m.text == "__x__"
        await a.send_message("boris_two", file=types.InputMediaContact(
            "123", "No", "Body", ""))
        m = (await b.get_messages("ada_one", limit=1))[0]
        assert m.contact.first_name == "No"
        await close(a, b)
    run(go())


def test_names(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        acc = functions.account
        assert await a(acc.CheckUsernameRequest("brand_new"))
        await a(acc.UpdateUsernameRequest("brand_new"))
        assert not await b(acc.CheckUsernameRequest("brand_new"))
        with pytest.raises(errors.UsernameOccupiedError):
            await b(acc.UpdateUsernameRequest("BRAND_new"))
        with pytest.raises(errors.UsernameInvalidError):
            await b(acc.UpdateUsernameRequest("1x"))
        with pytest.raises(errors.UsernameNotOccupiedError):
            await b(functions.contacts.ResolveUsernameRequest("ada_one"))
        await a(acc.UpdateProfileRequest(first_name="Augusta"))
        assert (await b.get_entity("brand_new")).first_name == "Augusta"
        await close(a, b)
    run(go())


def test_all_of_it_survives_a_restart(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        g = await make_group(a, "Walls", "boris_two")
        await a(msgs.EditChatAdminRequest(
            g.id, await a.get_input_entity("boris_two"), True))
        await a(msgs.ToggleNoForwardsRequest(types.InputPeerChat(g.id), True))
        ch = await make_channel(a, "Kept", invite=["boris_two"])
        m = await a.send_message(ch, "**pinned**")
        await a.pin_message(ch, m)
        await a(chan.ToggleSlowModeRequest(ch, 3600))
        there = next(d.entity for d in await b.get_dialogs() if d.is_channel)
        await b.send_message(there, "one an hour")
        link = await a(msgs.ExportChatInviteRequest(ch, usage_limit=5))
        dc.end()
        dc.start()
        for c in (a, b):
            await c.disconnect()
            await c.connect()
        b.flood_sleep_threshold = 0
        got = next(x for x in await a.get_messages(ch, limit=9)
                   if x.id == m.id)
        assert got.pinned and got.text == "**pinned**"
        with pytest.raises(errors.SlowModeWaitError):
            await b.send_message(there, "too soon")
        again = await a(msgs.GetExportedChatInviteRequest(ch, link.link))
        assert again.invite.usage_limit == 5
        full = await a(msgs.GetFullChatRequest(g.id))
        assert any(isinstance(p, types.ChatParticipantAdmin)
                   for p in full.full_chat.participants.participants)
        assert full.chats[0].noforwards
        await close(a, b)
    run(go())
