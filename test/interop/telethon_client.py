"""Telethon as Debian ships it: layer 144.  Speaks the lines of lines.mjs."""
import asyncio
import hashlib
import json
import sys

from telethon import TelegramClient, events, functions
from telethon.crypto import rsa
from telethon.sessions import StringSession

env = json.load(open(sys.argv[1]))
rsa._server_keys.clear()
for pem in env["keys"]:
    rsa.add_key(pem, old=False)
session = StringSession()
session.set_dc(env["dcs"][0]["id"], env["dcs"][0]["address"],
               env["dcs"][0]["port"])


def say(**what):
    print(json.dumps(what), flush=True)


class Doing:
    """One method a command."""

    def __init__(self, client):
        self.client = client

    async def sign_in(self, phone, code, password=None):
        me = await self.client.start(phone=lambda: phone,
                                     code_callback=lambda: code,
                                     password=lambda: password)
        return {"user_id": (await me.get_me()).id}

    async def send(self, to, text):
        return {"message_id": (await self.client.send_message(to, text)).id}

    async def history(self, limit, **peer):
        got = await self.client.get_messages(peer["with"], limit=limit)
        return {"texts": [m.message for m in got]}

    async def forward(self, to, message_id, **peer):
        m = await self.client.forward_messages(to, message_id, peer["from"])
        return {"message_id": m.id}

    async def send_file(self, to, path):
        m = await self.client.send_file(to, path, force_document=True)
        return {"message_id": m.id}

    async def get_file(self, **peer):
        m = (await self.client.get_messages(peer["with"], limit=1))[0]
        data = await self.client.download_media(m, bytes)
        return {"sha256": hashlib.sha256(data).hexdigest()}

    async def join(self, hash):
        r = await self.client(functions.messages.ImportChatInviteRequest(hash))
        return {"chat_id": r.chats[0].id}

    async def stop(self):
        await self.client.disconnect()
        return {}


async def obey(doing, line):
    order = json.loads(line)
    number, what = order.pop("id"), order.pop("do")
    try:
        say(id=number, ok=True, **await getattr(doing, what)(**order))
    except Exception as e:
        say(id=number, error=repr(e))


async def main():
    client = TelegramClient(session, env["api_id"], env["api_hash"],
                            connection_retries=20, retry_delay=0.2)
    client.add_event_handler(
        lambda e: tell(e), events.NewMessage(incoming=True))
    doing = Doing(client)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await obey(doing, line)


async def tell(e):
    say(event="message", text=e.raw_text, **{"from": e.sender_id})


asyncio.run(main())
