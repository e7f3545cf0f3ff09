"""Many saved sessions of Telethon in one process, for the benchmark.  Speaks the
lines of lines.mjs."""
import asyncio
import gc
import json
import sys

from telethon import TelegramClient, events
from telethon.crypto import rsa
from telethon.sessions import StringSession

AT_ONCE = 20
env = json.load(open(sys.argv[1]))
rsa._server_keys.clear()
for pem in env["keys"]:
    rsa.add_key(pem, old=False)


class Doing:
    """One method a command."""

    def __init__(self):
        self.clients, self.received = [], 0

    async def on_message(self, event):
        self.received += 1

    async def connect(self, session):
        c = TelegramClient(StringSession(session["string"]), env["api_id"],
                           env["api_hash"])
        c.add_event_handler(self.on_message, events.NewMessage(incoming=True))
        await c.connect()
        await c.get_me()
        return c

    async def open(self, sessions):
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(session):
            async with gate:
                return await self.connect(session)
        self.clients += await asyncio.gather(*(one(s) for s in sessions))
        return {"open": len(self.clients)}

    async def settle(self):
        gc.collect()
        return {}

    async def count(self):
        return {"received": self.received}

    async def send(self, count, clients, text):
        async def one(c):
            for _ in range(count // clients):
                await c.send_message("me", text)
        await asyncio.gather(*(one(c) for c in self.clients[:clients]))
        return {"sent": count // clients * clients}

    async def upload(self, path):
        await self.clients[0].send_file("me", path, force_document=True)
        return {}

    async def download(self):
        [m] = await self.clients[0].get_messages("me", limit=1)
        data = await self.clients[0].download_media(m, bytes)
        return {"bytes": len(data)}

    async def stop(self):
        for c in self.clients:
            await c.disconnect()
        return {}


async def main():
    doing = Doing()
    reader = asyncio.StreamReader(limit=64 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        answer = {"id": order.pop("id")}
        try:
            answer |= await getattr(doing, order.pop("do"))(**order)
        except Exception as e:
            answer["error"] = repr(e)
        print(json.dumps(answer), flush=True)


asyncio.run(main())
