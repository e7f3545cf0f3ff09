"""What the admin port makes and tells: long histories, the calls of an account,
settings; and uploads that break the rules.  With Debian's Telethon.

Run with /usr/bin/python3 -m pytest (python3-telethon, layer 144).
"""
import asyncio
import hashlib
import os
import re

import pytest

pytest.importorskip("telethon")

from telethon import errors, functions, types  # noqa: E402
from telethon.sessions import StringSession  # noqa: E402

from fleet import run  # noqa: E402
from telethon_aim import client, sign_in  # noqa: E402
from test_telethon import ADA, BORIS, make_people  # noqa: E402
from test_telethon_channels import close, pair  # noqa: E402

msgs = functions.messages
up = functions.upload


def make_channel(dc):
    return dc.call("/channels", {"title": "Long", "creator": ADA,
                                 "members": [BORIS]})["channel_id"]


def test_a_long_history_of_every_kind(dc):
    make_people(dc)
    ch = make_channel(dc)
    made = dc.call("/messages/bulk", {
        "from": [ADA, BORIS], "channel": ch, "count": 20000,
        "text": "message {n}", "media_every": 5, "album_every": 50,
        "album_size": 4, "service_every": 97, "delete_every": 41,
        "reply_every": 9, "first_date": 1700000000, "date_step": 60})
    assert made["sent"] == 20000 and made["albums"] == 400
    assert 400 < made["deleted"] < 500

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        entity = await a.get_entity(f"channel_{ch}")
        seen, kinds, albums = [], set(), {}
        async for m in a.iter_messages(entity, limit=3000):
            seen.append(m.id)
            if m.grouped_id:
                albums.setdefault(m.grouped_id, []).append(m)
            if m.action:
                kinds.add("service")
            elif m.photo:
                kinds.add("photo")
            elif m.document:
                kinds.add(m.document.mime_type)
        assert seen == sorted(seen, reverse=True) and len(seen) == 3000
        assert kinds == {"service", "photo", "video/mp4", "application/pdf",
                         "audio/mpeg", "audio/ogg"}
        whole = [v for v in albums.values() if len(v) == 4]
        assert len(whole) >= len(albums) - 1 > 40
        # One caption, on the first; all of them pictures.
        assert all(bool(m.message) == (m is v[-1]) and m.photo
                   for v in whole for m in v)
        got = await a.get_messages(entity, ids=made["last_id"])
        assert got.message == "message 20000"
        assert (got.date.timestamp() - 1700000000) == 60 * 20000
        data = await a.download_media(
            (await a.get_messages(entity, limit=1,
                                  filter=types.InputMessagesFilterPhotos)
             )[0], bytes)
        assert len(data) == 2048
        await close(a)
    run(go())
    part = dc.call(f"/messages?channel={ch}&after=100&limit=5")
    assert [m["id"] for m in part["messages"]][0] > 100
    assert part["count"] == 20000 + 1 - made["deleted"]


def test_long_histories_are_refused_by_name(dc):
    make_people(dc)
    ch = make_channel(dc)
    good = {"from": [ADA], "channel": ch, "count": 1}
    for wrong, what in (({"from": []}, "from"), ({"from": ["99966"]}, "from"),
                        ({"count": 1000001}, "count"),
                        ({"album_size": 11, "album_every": 20}, "album_size"),
                        ({"album_every": 2}, "album_every"),
                        ({"topics": [7]}, "topics"),
                        ({"first_date": 2147483000, "date_step": 86400,
                          "count": 100}, "date_step")):
        status = 404 if wrong in ({"from": ["99966"]}, {"topics": [7]}) else 422
        answer = dc.call("/messages/bulk", {**good, **wrong}, status=status)
        assert what in answer["error"]["message"], answer


def test_what_an_account_did(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        a.flood_sleep_threshold = 0
        dc.call("/rules", {"rules": [{"method": "messages.sendMessage",
                                      "budget": 1, "wait": 7}]})
        await a.send_message("boris_two", "one")
        with pytest.raises(errors.FloodWaitError):
            await a.send_message("boris_two", "two")
        boris = (await b.get_me()).id
        got = dc.call(f"/accounts/calls?phone={ADA}")
        sent = [c for c in got["calls"]
                if c["method"] == "messages.sendMessage"]
        assert [(c["peer"], c.get("code"), c.get("error")) for c in sent] == [
            (boris, None, None), (boris, 420, "FLOOD_WAIT_7")]
        assert got["forgotten"] == 0
        last = got["calls"][-1]["n"]
        assert not dc.call(
            f"/accounts/calls?phone={ADA}&after={last}")["calls"]
        for _ in range(200):
            await a(functions.help.GetConfigRequest())
        got = dc.call(f"/accounts/calls?phone={ADA}")
        assert len(got["calls"]) == 128
        assert got["calls_ever"] == got["forgotten"] + 128
        await close(a, b)
    run(go())


@pytest.mark.parametrize("setting", ["mixed", "answer", "error"])
def test_a_random_id_used_again(dc, setting):
    make_people(dc)
    dc.call("/settings", {"random_id": setting})

    async def go():
        a, b = await pair(dc)
        peer = await a.get_input_entity("boris_two")
        send = msgs.SendMessageRequest(peer, "once", random_id=77)
        first = await a(send)
        again = refused("RANDOM_ID_DUPLICATE") if setting == "error" else none()
        with again:
            assert (await a(send)).id == first.id
        forward = msgs.ForwardMessagesRequest(peer, [first.id], peer,
                                              random_id=[88])
        r = await a(forward)
        again = none() if setting == "answer" else refused(
            "RANDOM_ID_DUPLICATE")
        with again:
            second = await a(forward)
            assert ([u.id for u in second.updates if hasattr(u, "random_id")]
                    == [u.id for u in r.updates if hasattr(u, "random_id")])
        assert len(await b.get_messages("ada_one", limit=9)) == 2
        await close(a, b)
    run(go())
    dc.call("/settings", {"random_id": "perhaps"}, status=422)


class none:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False


class refused:
    """An error by Telegram's name, whichever class Telethon has for it; of
    those above 500 it only says that it tried several times."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, e, _):
        assert e is not None, f"no {self.name}"
        short = {re.sub(cut, "", self.name).replace("_", "").lower()
                 for cut in ("", r"_\d+")}
        return (isinstance(e, errors.RPCError) and
                (self.name in str(e) or
                 any(s in kind.__name__.lower() for s in short))
                or isinstance(e, ValueError) and "unsuccessful" in str(e))


def test_uploads_keep_to_the_rules(dc):
    make_people(dc)
    data = os.urandom(3 * 1024)

    async def go():
        a, = await pair(dc, ADA)

        async def parts(file_id, *chunks, total=None):
            for n, chunk in enumerate(chunks):
                if total is None:
                    await a(up.SaveFilePartRequest(file_id, n, chunk))
                else:
                    await a(up.SaveBigFilePartRequest(file_id, n, total,
                                                      chunk))

        async def send(file):
            return await a(msgs.UploadMediaRequest("me",
                types.InputMediaUploadedDocument(file, "x/y", [])))

        await parts(1, data[:1024], data[1024:2048], data[2048:])
        with refused("MD5_CHECKSUM_INVALID"):
            await send(types.InputFile(1, 3, "f", "0" * 32))
        await send(types.InputFile(1, 3, "f", hashlib.md5(data).hexdigest()))
        with refused("FILE_PART_0_MISSING"):
            await send(types.InputFile(1, 3, "f", ""))
        await parts(2, b"a" * 1000, b"b" * 1000)
        with refused("FILE_PART_SIZE_INVALID"):
            await send(types.InputFile(2, 2, "f", ""))
        await parts(3, b"a" * 1024, b"b" * 2048)
        with refused("FILE_PART_SIZE_INVALID"):
            await send(types.InputFile(3, 2, "f", ""))
        with refused("FILE_PARTS_INVALID"):
            await parts(4, b"a" * 1024, b"b" * 1024, total=1)
        await parts(5, b"a" * 1024, b"b" * 1024, total=2)
        with refused("FILE_PARTS_INVALID"):
            await send(types.InputFileBig(5, 1, "f"))
        await send(types.InputFileBig(5, 2, "f"))
        with refused("FILE_PART_EMPTY"):
            await parts(6, b"")
        await close(a)
    run(go())


def test_albums_keep_to_the_rules(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        peer = await a.get_input_entity("boris_two")

        async def media(n, photo):
            await a(up.SaveFilePartRequest(n, 0, b"x" * 100))
            f = types.InputFile(n, 1, "f", "")
            kind = (types.InputMediaUploadedPhoto(f) if photo else
                    types.InputMediaUploadedDocument(f, "a/b", []))
            r = await a(msgs.UploadMediaRequest("me", kind))
            d = r.photo if photo else r.document
            id_ = (types.InputPhoto if photo else types.InputDocument)(
                d.id, d.access_hash, d.file_reference)
            return (types.InputMediaPhoto if photo else
                    types.InputMediaDocument)(id_)

        photo, paper = await media(1, True), await media(2, False)

        def album(*items):
            return msgs.SendMultiMediaRequest(peer, [
                types.InputSingleMedia(m, f"c{n}") for n, m in
                enumerate(items)])
        r = await a(album(photo, photo))
        sent = [u.message for u in r.updates if hasattr(u, "message")]
        assert sent[0].grouped_id == sent[1].grouped_id != None  # noqa: E711
        r = await a(album(photo))
        sent = [u.message for u in r.updates if hasattr(u, "message")]
        assert sent[0].grouped_id is None
        with refused("MULTI_MEDIA_TOO_LONG"):
            await a(album(*[photo] * 11))
        with refused("MEDIA_INVALID"):
            await a(album(photo, paper))
        with refused("MEDIA_INVALID"):
            await a(album(types.InputMediaUploadedPhoto(
                types.InputFile(9, 1, "f", "")), photo))
        with refused("MEDIA_EMPTY"):
            await a(msgs.SendMultiMediaRequest(peer, []))
        await close(a, b)
    run(go())


def test_file_references_end_by_time(dc):
    make_people(dc)
    dc.call("/settings", {"file_reference_sec": 1})

    async def go():
        a, = await pair(dc, ADA)
        await a(up.SaveFilePartRequest(1, 0, b"x" * 5000))
        await a(msgs.SendMediaRequest("me", types.InputMediaUploadedDocument(
            types.InputFile(1, 1, "f", ""), "a/b", []), ""))
        m = (await a.get_messages("me", limit=1))[0]

        def ask(doc):
            return up.GetFileRequest(types.InputDocumentFileLocation(
                doc.id, doc.access_hash, doc.file_reference, ""), 0, 8192)
        assert len((await a(ask(m.document))).bytes) == 5000
        await asyncio.sleep(2.2)
        with pytest.raises(errors.FileReferenceExpiredError):
            await a(ask(m.document))
        m = (await a.get_messages("me", limit=1))[0]
        assert len((await a(ask(m.document))).bytes) == 5000
        await close(a)
    run(go())


def test_files_wait_for_premium(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        a.flood_sleep_threshold = 0
        dc.call("/rules", {"rules": [
            {"method": "upload.saveFilePart", "budget": 2, "wait": 5,
             "error": "FLOOD_PREMIUM_WAIT"}]})
        for n in range(2):
            await a(up.SaveFilePartRequest(1, n, b"x" * 1024))
        with pytest.raises(errors.RPCError, match="FLOOD_PREMIUM_WAIT_5"):
            await a(up.SaveFilePartRequest(1, 2, b"x" * 1024))
        await close(a)
    run(go())


def test_rules_and_waits_survive_a_restart(dc):
    make_people(dc)
    dc.call("/rules", {"rules": [{"method": "messages.sendMessage",
                                  "budget": 1, "wait": 500}]})

    async def go():
        a, = await pair(dc, ADA)
        a.flood_sleep_threshold = 0
        await a.send_message("me", "one")
        with pytest.raises(errors.FloodWaitError):
            await a.send_message("me", "two")
        dc.end()
        dc.start()
        await a.disconnect()
        # Another client of the same session: it has not heard of the wait.
        a = client(dc, StringSession(a.session.save()))
        a.flood_sleep_threshold = 0
        await a.connect()
        with pytest.raises(errors.FloodWaitError) as e:
            await a.send_message("me", "three")
        assert 400 < e.value.seconds <= 500
        assert dc.counters()["calls_during_flood_wait"] == 1
        # Other rules, other waits.
        dc.call("/rules", {"rules": [{"method": "messages.sendMessage",
                                      "budget": 1, "wait": 500}]})
        a._flood_waited_requests.clear()
        await a.send_message("me", "four")
        await close(a)
    run(go())


def test_who_is_gone_is_shown_so(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        await a.send_message("boris_two", "hi")
        dc.call("/accounts/state", {"phone": BORIS, "state": "deactivated"})
        boris = (await a.get_dialogs())[0].entity
        assert boris.deleted and not boris.first_name
        with pytest.raises(errors.InputUserDeactivatedError):
            await a.send_message(boris, "there?")
        dc.call("/accounts/state", {"phone": ADA, "state": "frozen"})
        got = await a(functions.help.GetAppConfigRequest())
        assert {v.key for v in got.value} == {"freeze_since_date",
                                              "freeze_until_date"}
        await close(a)
    run(go())


def test_the_demo_world(tmp_path):
    from fleet import Dc
    dc = Dc(tmp_path, "--seed-demo")

    async def go():
        a = client(dc)
        await sign_in(a, ADA)
        dialogs = {d.title: d for d in await a.get_dialogs()}
        assert set(dialogs) == {"Demo: operations", "Demo: forum",
                                "Demo: news", "Boris", "Demo bot"}
        m = (await a.get_messages("demo_bot", limit=1))[0]
        assert m.buttons[0][0].data == b"status"
        forum = dialogs["Demo: forum"].entity
        r = await a(msgs.GetRepliesRequest(forum, 2, 0, None, 0, 9, 0, 0, 0))
        assert [x.message for x in r.messages if x.message] == ["First!"]
        await close(a)
    try:
        run(go())
        assert dc.counters()["users"] == 9
    finally:
        dc.close()


def test_routes_are_told(dc):
    routes = dc.call("/")["routes"]
    assert {"method": "GET", "path": "/", "summary": "These lines"} in routes
    assert all(r["summary"] for r in routes)
