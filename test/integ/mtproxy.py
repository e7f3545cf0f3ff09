"""An MTProxy for tests, written from the published scheme and nothing of ours: all
three kinds of secret.  It runs on a thread of its own.

    with MtProxy(secret, {1: ("127.0.0.1", port), ...}) as p:
        ... p.port ... p.seen

Plain and "dd": 64 bytes that hide key and counter of AES-CTR, mixed with the
secret, the tag of the inner transport and the number of the data centre.  "ee":
the same inside the application data of what looks like TLS 1.3, opened by a
ClientHello whose random is an HMAC of it by the secret.
"""
import asyncio
import hashlib
import hmac
import os
import struct
import threading
import time

import pyaes

HELLO_RANDOM = 11  # record head 5, handshake head 4, version 2
TAGS = {b"\xef" * 4: "abridged", b"\xee" * 4: "intermediate",
        b"\xdd" * 4: "padded"}


class Refused(Exception):
    pass


class Ctr:
    def __init__(self, key, counter):
        self.aes = pyaes.AESModeOfOperationCTR(
            key, pyaes.Counter(int.from_bytes(counter, "big")))

    def __call__(self, data):
        return self.aes.encrypt(data)


class Plain:
    """Bytes as they are."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def open(self, key):
        pass

    async def read(self):
        return await self.reader.read(65536)

    def write(self, data):
        self.writer.write(data)


class Tls(Plain):
    async def record(self):
        kind, major, minor, size = struct.unpack(
            ">BBBH", await self.reader.readexactly(5))
        if (major, minor) not in ((3, 1), (3, 3)) or size > 16640:
            raise Refused("no TLS record")
        return kind, await self.reader.readexactly(size)

    async def open(self, key):
        kind, body = await self.record()
        if kind != 22 or body[:1] != b"\1":
            raise Refused("no ClientHello")
        hello = struct.pack(">BBBH", 22, 3, 1, len(body)) + body
        random = hello[HELLO_RANDOM:HELLO_RANDOM + 32]
        blank = (hello[:HELLO_RANDOM] + bytes(32) + hello[HELLO_RANDOM + 32:])
        proof = hmac.new(key, blank, hashlib.sha256).digest()
        mixed = bytes(a ^ b for a, b in zip(random, proof))
        if any(mixed[:28]):
            raise Refused("the hello does not know the secret")
        if abs(struct.unpack("<I", mixed[28:])[0] - time.time()) > 600:
            raise Refused("the hello is old")
        self.writer.write(self.answer(key, hello, random))
        kind, body = await self.record()
        if (kind, body) != (20, b"\1"):
            raise Refused("no change_cipher_spec")

    def answer(self, key, hello, random):
        at = HELLO_RANDOM + 32
        session = hello[at:at + 1 + hello[at]]
        body = (b"\x03\x03" + bytes(32) + session + b"\x13\x01\x00\x00\x2e"
                b"\x00\x33\x00\x24\x00\x1d\x00\x20" + os.urandom(32) +
                b"\x00\x2b\x00\x02\x03\x04")
        body = b"\x02" + len(body).to_bytes(3, "big") + body
        noise = os.urandom(1500 + os.urandom(1)[0])
        text = (struct.pack(">BBBH", 22, 3, 3, len(body)) + body +
                b"\x14\x03\x03\x00\x01\x01" +
                struct.pack(">BBBH", 23, 3, 3, len(noise)) + noise)
        proof = hmac.new(key, random + text, hashlib.sha256).digest()
        return text[:HELLO_RANDOM] + proof + text[HELLO_RANDOM + 32:]

    async def read(self):
        kind, body = await self.record()
        if kind != 23:
            raise Refused(f"record of type {kind}")
        return body

    def write(self, data):
        for i in range(0, len(data), 16000):
            part = data[i:i + 16000]
            self.writer.write(struct.pack(">BBBH", 23, 3, 3, len(part)) + part)


def hello_to_dc(tag):
    """As a client without a secret would begin."""
    while True:
        head = bytearray(os.urandom(64))
        if (head[0] != 0xef and head[4:8] != bytes(4) and head[:4] not in
                (b"HEAD", b"POST", b"GET ", b"OPTI", b"\xdd" * 4, b"\xee" * 4)):
            break
    head[56:60] = tag
    back = bytes(head[8:56])[::-1]
    to_dc, from_dc = Ctr(bytes(head[8:40]), bytes(head[40:56])), Ctr(
        back[:32], back[32:])
    return bytes(head[:56]) + to_dc(bytes(head))[56:], to_dc, from_dc


class MtProxy:
    def __init__(self, secret, dcs):
        raw = bytes.fromhex(secret)
        self.tls = raw[0] == 0xee and len(raw) > 17
        self.padded = self.tls or (raw[0] == 0xdd and len(raw) == 17)
        self.key = raw[1:17] if self.padded else raw
        self.dcs, self.seen, self.refused = dcs, [], []

    def __enter__(self):
        ready = threading.Event()
        self.loop = asyncio.new_event_loop()

        def run():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(
                asyncio.start_server(self.client, "127.0.0.1", 0))
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0.05))
            self.loop.close()
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def client(self, reader, writer):
        try:
            await self.serve(reader, writer)
        except (Refused, ConnectionError, asyncio.IncompleteReadError) as e:
            if isinstance(e, Refused):
                self.refused.append(str(e))
        finally:
            writer.close()

    async def head(self, near):
        head = b""
        while len(head) < 64:
            part = await near.read()
            if not part:
                raise Refused("no header")
            head += part
        return head[:64], head[64:]

    async def serve(self, reader, writer):
        near = (Tls if self.tls else Plain)(reader, writer)
        await near.open(self.key)
        head, rest = await self.head(near)
        back = head[8:56][::-1]

        def mixed(key):
            return hashlib.sha256(key + self.key).digest()
        down = Ctr(mixed(head[8:40]), head[40:56])
        up = Ctr(mixed(back[:32]), back[32:])
        clear = down(head)
        tag, dc = clear[56:60], struct.unpack("<h", clear[60:62])[0]
        if tag not in TAGS or (self.padded and TAGS[tag] != "padded"):
            raise Refused("another secret or transport")
        self.seen.append((TAGS[tag], dc))
        where = self.dcs.get(abs(dc) % 10000)
        if not where:
            raise Refused(f"data centre {dc}")
        far_r, far_w = await asyncio.open_connection(*where)
        try:
            hello, to_dc, from_dc = hello_to_dc(tag)
            far_w.write(hello)
            if rest:
                far_w.write(to_dc(down(rest)))

            async def there():
                while data := await near.read():
                    far_w.write(to_dc(down(data)))

            async def here():
                while data := await far_r.read(65536):
                    near.write(up(from_dc(data)))
            tasks = [asyncio.ensure_future(t()) for t in (there, here)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for t in tasks:
                t.cancel()
        finally:
            far_w.close()
