"""Files and albums, with Debian's Telethon (layer 144)."""
import asyncio
import os

import pytest

pytest.importorskip("telethon")

from telethon import errors, functions, types  # noqa: E402

from telethon_aim import client, sign_in  # noqa: E402
from fleet import run  # noqa: E402
from test_telethon import ADA, BORIS, collector, make_people  # noqa: E402
from test_telethon_channels import close, make_channel, pair  # noqa: E402


def test_file_there_and_back_and_over_a_restart(dc):
    make_people(dc)
    data = os.urandom(700_001)

    async def go():
        a, b = await pair(dc)
        next_b = collector(b)
        await a.send_file("boris_two", data, caption="the file",
                          force_document=True,
                          attributes=[types.DocumentAttributeFilename(
                              "name.bin")])
        e = await next_b()
        assert e.raw_text == "the file" and e.file.name == "name.bin"
        assert e.file.size == len(data)
        assert await b.download_media(e.message, bytes) == data
        await asyncio.get_running_loop().run_in_executor(None, dc.restart)
        again = await b.get_messages("ada_one", limit=1)
        assert await b.download_media(again[0], bytes) == data
        await close(a, b)
    run(go())


def test_stale_reference_is_refused_and_renewed(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        sent = await a.send_file("me", b"x" * 5000, force_document=True)
        dc.call("/files/expire", {})
        with pytest.raises(errors.FileReferenceExpiredError):
            await a(functions.upload.GetFileRequest(
                types.InputDocumentFileLocation(
                    sent.document.id, sent.document.access_hash,
                    sent.document.file_reference, ""), 0, 4096))
        fresh = await a.get_messages("me", ids=sent.id)
        assert await a.download_media(fresh, bytes) == b"x" * 5000
        with pytest.raises(errors.RPCError):
            await a(functions.messages.SendMediaRequest(
                "me", types.InputMediaDocument(types.InputDocument(
                    sent.document.id, sent.document.access_hash,
                    sent.document.file_reference)), "stale"))
        # by reference, nothing is uploaded again
        again = await a.send_file("me", fresh.document)
        assert again.document.id == sent.document.id
        await close(a)
    run(go())


def test_album_is_one_group_and_stays_one(dc):
    make_people(dc)

    async def go():
        a, b = await pair(dc)
        ch = await make_channel(a, "Albums", invite=["boris_two"])
        files = [bytes([n]) * 3000 for n in range(3)]
        sent = await a.send_file(ch, files, caption=["", "", "last"],
                                 force_document=True)
        assert len({m.grouped_id for m in sent}) == 1 and sent[0].grouped_id
        got = await a.get_messages(ch, limit=3)
        assert got[0].message == "last"
        out = await a.forward_messages("boris_two", sent)
        assert len({m.grouped_id for m in out}) == 1
        assert out[0].grouped_id not in (None, sent[0].grouped_id)
        for m, data in zip(out, files):
            assert await a.download_media(m, bytes) == data
        await close(a, b)
    run(go())


def test_bad_parts_and_ranges_are_refused(dc):
    make_people(dc)
    up = functions.upload

    async def go():
        a, = await pair(dc, ADA)
        for part, data, name in ((9000, b"x", "FilePartInvalidError"),
                                 (0, b"", "FilePartEmptyError")):
            with pytest.raises(errors.RPCError) as e:
                await a(up.SaveFilePartRequest(7, part, data))
            assert type(e.value).__name__ == name
        await a(up.SaveFilePartRequest(7, 1, b"second"))
        media = types.InputMediaUploadedDocument(
            types.InputFile(7, 2, "f", ""), "text/plain", [])
        with pytest.raises(errors.FilePart0MissingError):
            await a(functions.messages.SendMediaRequest("me", media, ""))
        await a(up.SaveFilePartRequest(7, 0, b"f" * 1024))
        request = functions.messages.SendMediaRequest("me", media, "",
                                                      random_id=3)
        first, second = await a(request), await a(request)
        assert first.updates[0].id == second.updates[0].id
        doc = first.updates[1].message.media.document
        at = types.InputDocumentFileLocation(
            doc.id, doc.access_hash, doc.file_reference, "")
        got = await a(up.GetFileRequest(at, 0, 4096))
        assert got.bytes == b"f" * 1024 + b"second"
        for offset, limit in ((1, 1024), (0, 1000), (0, 1 << 21)):
            with pytest.raises(errors.RPCError):
                await a(up.GetFileRequest(at, offset, limit))
        at.access_hash += 1
        with pytest.raises(errors.LocationInvalidError):
            await a(up.GetFileRequest(at, 0, 1024))
        await close(a)
    run(go())


def test_file_lives_where_it_was_uploaded(dc):
    make_people(dc)

    async def go():
        a, = await pair(dc, ADA)
        far = client(dc, dc_id=3)
        await sign_in(far, "9996630005")
        next_far = collector(far)
        user = await far.get_me()
        dc.call("/users", {"phone": "9996630006", "username": "far_friend",
                           "home_dc": 3})
        await a.send_file(await far_peer(a, dc, far, user), b"y" * 40000,
                          force_document=True)
        e = await next_far()
        assert e.document.dc_id == 1
        # Telethon is sent to the other DC and takes its authorisation along
        assert await far.download_media(e.message, bytes) == b"y" * 40000
        await close(a, far)
    run(go())


async def far_peer(a, dc, far, user):
    """A common group makes the two known to each other."""
    dc.call("/chats", {"title": "Far", "members": [ADA, user.phone]})
    chat = (await a.get_dialogs())[0]
    people = await a.get_participants(chat)
    return next(p for p in people if p.id == user.id)
