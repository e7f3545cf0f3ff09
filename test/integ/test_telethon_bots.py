"""Bots: buttons, commands, /start, with Debian's Telethon on both sides.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio

import pytest

pytest.importorskip("telethon")

from telethon import Button, errors, events, functions, types  # noqa: E402

from fleet import run  # noqa: E402
from telethon_aim import client, sign_in  # noqa: E402
from test_telethon import ADA, make_people  # noqa: E402
from test_telethon_channels import close, make_channel  # noqa: E402


async def start_bot(dc, name="helper_bot"):
    made = dc.call("/bots", {"username": name, "first_name": "Helper"})
    bot = client(dc)
    await bot.start(bot_token=made["token"])
    return bot


async def ada_and_bot(dc):
    make_people(dc)
    a = client(dc)
    await sign_in(a, ADA)
    return a, await start_bot(dc)


async def said_to(a, bot, text):
    """The bot answers a message of a's with text and a button."""
    heard = asyncio.Queue()
    bot.add_event_handler(heard.put, events.NewMessage(incoming=True))
    await a.send_message("helper_bot", "hi")
    e = await asyncio.wait_for(heard.get(), 10)
    await e.respond(text, buttons=Button.inline("x", b"x"))


def test_buttons_are_pressed_and_answered(dc):
    async def go():
        a, bot = await ada_and_bot(dc)
        pressed = []

        @bot.on(events.NewMessage(incoming=True))
        async def _(e):
            await e.respond("choose", buttons=[
                [Button.inline("yes", b"y"), Button.inline("no", b"n")],
                [Button.url("site", "https://example.org")]])

        @bot.on(events.CallbackQuery)
        async def _(e):
            pressed.append((e.data, e.sender_id))
            if e.data == b"y":
                await e.answer("well done", alert=True)
                await e.edit("chosen: yes")
            else:
                await e.answer(url="https://t.me/helper_bot?start=x")

        heard = asyncio.Queue()
        a.add_event_handler(heard.put, events.NewMessage(incoming=True))
        edited = asyncio.Queue()
        a.add_event_handler(edited.put, events.MessageEdited())
        await a.send_message("helper_bot", "hi")
        m = (await asyncio.wait_for(heard.get(), 10)).message
        assert [[b.text for b in row] for row in m.buttons] == [
            ["yes", "no"], ["site"]]
        got = await m.click(text="yes")
        assert got.message == "well done" and got.alert
        e = await asyncio.wait_for(edited.get(), 10)
        assert e.raw_text == "chosen: yes" and not e.message.buttons
        assert pressed == [(b"y", (await a.get_me()).id)]
        await a.send_message("helper_bot", "again")
        m = (await asyncio.wait_for(heard.get(), 10)).message
        got = await m.click(text="no")
        assert got.has_url and got.url.endswith("start=x")
        # What is not on a button cannot be pressed.
        with pytest.raises(errors.DataInvalidError):
            await a(functions.messages.GetBotCallbackAnswerRequest(
                "helper_bot", m.id, data=b"other"))
        with pytest.raises(errors.MessageIdInvalidError):
            await a(functions.messages.GetBotCallbackAnswerRequest(
                "helper_bot", 9999, data=b"y"))
        await close(a, bot)
    run(go())


def test_buttons_in_a_supergroup(dc):
    async def go():
        a, bot = await ada_and_bot(dc)
        ch = await make_channel(a, "Poll", invite=["helper_bot"])
        got = asyncio.Queue()
        bot.add_event_handler(got.put, events.CallbackQuery())
        said = asyncio.Queue()
        bot.add_event_handler(said.put, events.NewMessage(incoming=True))
        await a.send_message(ch, "bot?")
        e = await asyncio.wait_for(said.get(), 10)
        there = await e.get_input_chat()
        m = await bot.send_message(there, "vote", buttons=Button.inline(
            "me", b"me"))
        answer = asyncio.ensure_future(
            a(functions.messages.GetBotCallbackAnswerRequest(
                ch, m.id, data=b"me")))
        e = await asyncio.wait_for(got.get(), 10)
        assert e.message_id == m.id and e.data == b"me"
        await e.answer("counted")
        assert (await answer).message == "counted"
        # An answer is given once.
        with pytest.raises(errors.QueryIdInvalidError):
            await bot(functions.messages.SetBotCallbackAnswerRequest(
                e.id, 0, message="again"))
        await close(a, bot)
    run(go())


def test_a_bot_that_says_nothing(dc):
    async def go():
        a, bot = await ada_and_bot(dc)
        dc.call("/settings", {"callback_timeout_ms": 300})
        await said_to(a, bot, "silent")
        mine = (await a.get_messages("helper_bot", limit=1))[0]
        assert mine.message == "silent"
        with pytest.raises(errors.BotResponseTimeoutError):
            await a(functions.messages.GetBotCallbackAnswerRequest(
                "helper_bot", mine.id, data=b"x"))
        # Buttons of people are not offered.
        await a.send_message("helper_bot", "mine", buttons=Button.inline(
            "no", b"no"))
        last = (await a.get_messages("helper_bot", limit=1))[0]
        assert last.message == "mine" and not last.buttons
        await close(a, bot)
    run(go())


def test_commands_and_deep_links(dc):
    async def go():
        a, bot = await ada_and_bot(dc)
        fn = functions.bots
        scope = types.BotCommandScopeDefault()
        assert await bot(fn.SetBotCommandsRequest(scope, "", [
            types.BotCommand("help", "says what it can do")]))
        assert [c.command for c in await bot(fn.GetBotCommandsRequest(
            scope, ""))] == ["help"]
        full = await a(functions.users.GetFullUserRequest("helper_bot"))
        assert full.full_user.bot_info.commands[0].description == (
            "says what it can do")
        with pytest.raises(errors.UserBotRequiredError):
            await a(fn.SetBotCommandsRequest(scope, "", []))
        heard = asyncio.Queue()
        bot.add_event_handler(heard.put, events.NewMessage(incoming=True))
        helper = await a.get_input_entity("helper_bot")
        await a(functions.messages.StartBotRequest(
            helper, helper, start_param="ref_42"))
        assert (await asyncio.wait_for(heard.get(), 10)).raw_text == (
            "/start ref_42")
        with pytest.raises(errors.StartParamInvalidError):
            await a(functions.messages.StartBotRequest(
                helper, helper, start_param="no blanks"))
        assert await bot(fn.ResetBotCommandsRequest(scope, ""))
        assert await bot(fn.GetBotCommandsRequest(scope, "")) == []
        await close(a, bot)
    run(go())


def test_buttons_survive_a_restart(dc):
    async def go():
        a, bot = await ada_and_bot(dc)
        await said_to(a, bot, "kept")
        await bot(functions.bots.SetBotCommandsRequest(
            types.BotCommandScopeDefault(), "", [
                types.BotCommand("keep", "kept")]))
        dc.end()
        dc.start()
        await a.disconnect()
        await a.connect()
        m = (await a.get_messages("helper_bot", limit=1))[0]
        assert m.buttons[0][0].data == b"x"
        full = await a(functions.users.GetFullUserRequest("helper_bot"))
        assert full.full_user.bot_info.commands[0].command == "keep"
        await close(a, bot)
    run(go())
