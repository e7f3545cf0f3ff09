"""Ways to sign in, by Debian's Telethon against `tgfleet dc`."""
import asyncio

import pytest

pytest.importorskip("telethon")

from telethon import errors, events, functions, types  # noqa: E402
from telethon.sessions import StringSession  # noqa: E402

from fleet import run  # noqa: E402
from telethon_aim import client, code_of, sign_in  # noqa: E402

ADA, BORIS, DORA = "9996610001", "9996610002", "9996630004"


def make(dc, phone, **more):
    return dc.call("/users", {"phone": phone, "first_name": "Ada",
                              "home_dc": int(phone[5]), **more})["user_id"]


async def code_accepted(c, phone):
    """The code is right, and not enough."""
    await c.connect()
    await c.send_code_request(phone)
    with pytest.raises(errors.SessionPasswordNeededError):
        await c.sign_in(phone, code_of(phone))
    assert not await c.is_user_authorized()


# --- two-step verification


def test_password_right_and_wrong(dc):
    user = make(dc, ADA, password="Schlüssel 1", hint="door")

    async def go():
        c = client(dc)
        await code_accepted(c, ADA)
        pwd = await c(functions.account.GetPasswordRequest())
        assert pwd.has_password and pwd.hint == "door"
        for wrong in ("schlüssel 1", "Schlüssel 1 ", "x" * 200):
            with pytest.raises(errors.PasswordHashInvalidError):
                await c.sign_in(password=wrong)
        assert not await c.is_user_authorized()
        with pytest.raises(errors.UnauthorizedError):
            await c.send_message("me", "not yet")
        me = await c.sign_in(password="Schlüssel 1")
        assert me.id == user
        assert (await c.get_me()).phone == ADA
        # signed out and in again: the password is wanted again
        await c.log_out()
        await c.disconnect()
        c = client(dc)
        await code_accepted(c, ADA)
        await c.disconnect()
    run(go())


def test_proofs_are_used_once(dc):
    from telethon import password as pwd_mod
    make(dc, ADA, password="secret")

    async def go():
        c = client(dc)
        await code_accepted(c, ADA)
        pwd = await c(functions.account.GetPasswordRequest())
        wrong = pwd_mod.compute_check(pwd, "wrong")
        right = pwd_mod.compute_check(pwd, "secret")
        with pytest.raises(errors.PasswordHashInvalidError):
            await c(functions.auth.CheckPasswordRequest(wrong))
        with pytest.raises(errors.SrpIdInvalidError):
            await c(functions.auth.CheckPasswordRequest(right))
        with pytest.raises(errors.PasswordHashInvalidError):
            await c(functions.auth.CheckPasswordRequest(
                types.InputCheckPasswordEmpty()))
        # of another key: half signed in is not enough to be told
        other = client(dc)
        await other.connect()
        with pytest.raises(errors.UnauthorizedError):
            await other(functions.account.GetPasswordRequest())
        with pytest.raises(errors.UnauthorizedError):
            await other(functions.auth.CheckPasswordRequest(right))
        await other.disconnect()
        await c.sign_in(password="secret")
        await c.disconnect()
    run(go())


def test_password_is_set_changed_and_taken_away(dc):
    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        assert not (await a(functions.account.GetPasswordRequest())
                    ).has_password
        assert await a.edit_2fa(new_password="one", hint="the first")
        pwd = await a(functions.account.GetPasswordRequest())
        assert pwd.has_password and pwd.hint == "the first"
        b = client(dc)
        await code_accepted(b, ADA)
        with pytest.raises(errors.PasswordHashInvalidError):
            await a.edit_2fa(current_password="wrong", new_password="two")
        with pytest.raises(errors.PasswordHashInvalidError):
            await a.edit_2fa(new_password="two")
        assert await a.edit_2fa(current_password="one", new_password="two")
        with pytest.raises(errors.PasswordHashInvalidError):
            await b.sign_in(password="one")
        await b.sign_in(password="two")
        assert await b.edit_2fa(current_password="two")
        assert not (await a(functions.account.GetPasswordRequest())
                    ).has_password
        c = client(dc)
        await sign_in(c, ADA)
        for it in (a, b, c):
            await it.disconnect()
    run(go())


def test_bad_settings_of_a_password_are_refused(dc):
    async def go():
        a = client(dc)
        await sign_in(a, ADA)

        async def attempt(error, change):
            pwd = await a(functions.account.GetPasswordRequest())
            pwd.new_algo.salt1 += bytes(32)
            settings = types.account.PasswordInputSettings(
                new_algo=pwd.new_algo, new_password_hash=bytes(256), hint="")
            change(settings)
            with pytest.raises(error):
                await a(functions.account.UpdatePasswordSettingsRequest(
                    types.InputCheckPasswordEmpty(), settings))

        def cut(s):
            s.new_password_hash = bytes(255)

        def other_salt(s):
            s.new_algo.salt1 = bytes(40)

        def other_group(s):
            s.new_algo.g = 5
        await attempt(errors.NewSettingsInvalidError, cut)
        await attempt(errors.NewSaltInvalidError, other_salt)
        await attempt(errors.NewSettingsInvalidError, other_group)
        await a.disconnect()
    run(go())


def test_password_and_bot_survive_a_kill(dc):
    make(dc, ADA, password="kept", hint="h")
    bot = dc.call("/bots", {"username": "kept_bot"})
    dc.restart()

    async def go():
        c = client(dc)
        await code_accepted(c, ADA)
        await c.sign_in(password="kept")
        await c.edit_2fa(current_password="kept")
        await c.disconnect()
    run(go())
    dc.restart()

    async def again():
        c = client(dc)
        await sign_in(c, ADA)
        await c.disconnect()
        c = client(dc)
        await c.start(bot_token=bot["token"])
        assert (await c.get_me()).id == bot["user_id"]
        await c.disconnect()
    run(again())


# --- codes


def test_code_by_other_ways_until_there_is_none(dc):
    async def go():
        c = client(dc)
        await c.connect()
        sent = await c.send_code_request(ADA)
        assert isinstance(sent.type, types.auth.SentCodeTypeApp)
        assert isinstance(sent.next_type, types.auth.CodeTypeSms)
        sent = await c.send_code_request(ADA, force_sms=True)
        assert isinstance(sent.type, types.auth.SentCodeTypeSms)
        again = functions.auth.ResendCodeRequest(ADA, sent.phone_code_hash)
        assert isinstance((await c(again)).type, types.auth.SentCodeTypeCall)
        with pytest.raises(errors.RPCError, match="SEND_CODE_UNAVAILABLE"):
            await c(again)
        # the code still counts
        await c.sign_in(ADA, code_of(ADA))
        await c.disconnect()
    run(go())


def test_code_taken_back_is_worth_nothing(dc):
    async def go():
        c = client(dc)
        await c.connect()
        sent = await c.send_code_request(ADA)
        assert await c(functions.auth.CancelCodeRequest(
            ADA, sent.phone_code_hash))
        with pytest.raises(errors.PhoneCodeExpiredError):
            await c.sign_in(ADA, code_of(ADA))
        await c.disconnect()
    run(go())


# --- QR codes


async def scan(dc, accept_by):
    """A new client shows a code, `accept_by` scans it."""
    c = client(dc)
    await c.connect()
    qr = await c.qr_login()
    assert qr.url.startswith("tg://login?token=")
    waiting = asyncio.ensure_future(qr.wait(20))
    await asyncio.sleep(0.2)
    got = await accept_by(functions.auth.AcceptLoginTokenRequest(qr.token))
    assert got.device_model == "tgfleet test" and not got.current
    return c, waiting


def test_qr_code_is_scanned(dc):
    async def go():
        phone = client(dc)
        me = await sign_in(phone, ADA)
        c, waiting = await scan(dc, phone)
        assert (await waiting).id == me.id
        assert (await c.get_me()).phone == ADA
        auths = (await phone(functions.account.GetAuthorizationsRequest())
                 ).authorizations
        assert len(auths) == 2
        await c.disconnect()
        await phone.disconnect()
    run(go())


def test_qr_code_scanned_by_somebody_of_another_dc(dc):
    make(dc, DORA)

    async def go():
        phone = client(dc, dc_id=3)
        me = await sign_in(phone, DORA)
        c, waiting = await scan(dc, phone)
        assert (await waiting).id == me.id
        assert c.session.dc_id == 3
        assert (await c.get_me()).phone == DORA
        await c.disconnect()
        await phone.disconnect()
    run(go())


def test_qr_code_and_a_password(dc):
    make(dc, ADA, password="both")

    async def go():
        phone = client(dc)
        await code_accepted(phone, ADA)
        await phone.sign_in(password="both")
        c, waiting = await scan(dc, phone)
        with pytest.raises(errors.SessionPasswordNeededError):
            await waiting
        await c.sign_in(password="both")
        assert (await c.get_me()).phone == ADA
        await c.disconnect()
        await phone.disconnect()
    run(go())


def test_qr_codes_nobody_may_use(dc):
    async def go():
        phone = client(dc)
        await sign_in(phone, ADA)
        c = client(dc)
        await c.connect()
        qr = await c.qr_login()
        first = qr.token
        await qr.recreate()
        assert qr.token != first
        for token in (first, b"", bytes(32), bytes(8)):
            with pytest.raises(errors.RPCError, match="AUTH_TOKEN_INVALID"):
                await phone(functions.auth.AcceptLoginTokenRequest(token))
        await phone(functions.auth.AcceptLoginTokenRequest(qr.token))
        with pytest.raises(errors.AuthTokenAlreadyAcceptedError):
            await phone(functions.auth.AcceptLoginTokenRequest(qr.token))
        await c.disconnect()
        c = client(dc)
        await c.connect()
        qr = await c.qr_login()
        # nobody signed in may not accept, nobody may import what is open
        with pytest.raises(errors.UnauthorizedError):
            await c(functions.auth.AcceptLoginTokenRequest(qr.token))
        with pytest.raises(errors.RPCError, match="AUTH_TOKEN_INVALID"):
            await c(functions.auth.ImportLoginTokenRequest(qr.token))
        await c.disconnect()
        await phone.disconnect()
    run(go())


# --- bots


def test_bot_signs_in(dc):
    made = dc.call("/bots", {"username": "echo_bot", "first_name": "Echo"})
    assert made["token"].startswith(f"{made['user_id']}:")

    async def go():
        bot = client(dc)
        await bot.start(bot_token=made["token"])
        me = await bot.get_me()
        assert me.bot and me.username == "echo_bot"
        assert me.id == made["user_id"] and not me.phone
        heard = asyncio.Queue()

        @bot.on(events.NewMessage(incoming=True))
        async def on_message(event):
            await event.reply("you said " + event.raw_text)
            await heard.put(event)
        a = client(dc)
        await sign_in(a, ADA)
        assert (await a.get_entity("echo_bot")).bot
        await a.send_message("echo_bot", "/start")
        await asyncio.wait_for(heard.get(), 10)
        got = await a.get_messages("echo_bot", limit=5)
        assert [m.message for m in got] == ["you said /start", "/start"]
        await a.disconnect()
        await bot.disconnect()
    run(go())


def test_bot_of_another_dc_and_bad_tokens(dc):
    made = dc.call("/bots", {"username": "far_bot", "home_dc": 3})

    async def go():
        bot = client(dc, StringSession())
        await bot.start(bot_token=made["token"])
        assert bot.session.dc_id == 3
        await bot.disconnect()
        c = client(dc)
        await c.connect()
        for bad in ("1:abc", "", "x", made["token"][:-1], made["token"] + "x",
                    str(made["user_id"]) + ":"):
            with pytest.raises(errors.AccessTokenInvalidError):
                await c(functions.auth.ImportBotAuthorizationRequest(
                    0, dc.env["api_id"], dc.env["api_hash"], bad))
        again = dc.call("/bots", {"username": "far_bot"})
        assert again["user_id"] == made["user_id"]
        with pytest.raises(errors.AccessTokenInvalidError):
            await c(functions.auth.ImportBotAuthorizationRequest(
                0, dc.env["api_id"], dc.env["api_hash"], made["token"]))
        await c.disconnect()
    run(go())
    dc.call("/users", {"phone": ADA, "username": "ada_one"})
    dc.call("/bots", {"username": "ada_one"}, status=409)
    dc.call("/bots", {}, status=422)


# --- a key that its client gives up


def test_a_destroyed_key_is_told_apart(dc):
    def states():
        return [s["state"] for s in dc.call("/sessions")["sessions"]]

    async def go():
        c = client(dc)
        await sign_in(c, ADA)
        assert states() == ["live"]
        c._sender.send(functions.DestroyAuthKeyRequest())
        while states() != ["destroyed"]:
            await asyncio.sleep(0.05)
        await c.disconnect()
    run(go())
