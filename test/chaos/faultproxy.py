"""An HTTP proxy that loses, delays and doubles requests and answers.

It stands between one node and the control plane.  Each request goes over a
connection of its own, so that an answer that is late, or never comes, is that of
one request.  What is late is late for good: it goes on to the other side even
when who sent it has given up.
"""
import asyncio
import contextlib
import random
import threading

HEAD_MAX, BODY_MAX = 65536, 64 << 20


async def read_message(reader):
    """Head and body as bytes; None at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    assert length <= BODY_MAX
    return head, await reader.readexactly(length) if length else b""


class FaultProxy:
    """`faults` maps loss, answer_loss, delay, answer_delay and double to how
    likely each is; `longest` is the longest delay.  cut() parts both sides."""

    def __init__(self, target, seed, longest=1.0):
        self.longest, self.targets = longest, []
        self.add(target)
        self.rnd, self.faults = random.Random(seed), {}
        self.counts, self.is_cut = {}, False
        self.loop = asyncio.new_event_loop()
        self.tasks, ready = set(), threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,),
                                       daemon=True)
        self.thread.start()
        ready.wait(10)

    def add(self, url):
        """One more server: each request goes to any that answers the call."""
        host, port = url.removeprefix("http://").split(":")
        self.targets.append((host, int(port)))

    def run(self, ready):
        async def listen():
            server = await asyncio.start_server(
                self.serve, "127.0.0.1", 0, limit=HEAD_MAX)
            self.url = "http://%s:%d" % server.sockets[0].getsockname()[:2]
            ready.set()
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(listen())
        self.loop.run_forever()

    def close(self):
        async def end():
            mine = list(self.tasks)
            for t in mine:
                t.cancel()
            await asyncio.wait(mine, timeout=3) if mine else None
            await asyncio.sleep(0.05)
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(end(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def cut(self, yes):
        self.is_cut = yes

    def happens(self, what):
        yes = self.rnd.random() < self.faults.get(what, 0)
        if yes:
            self.counts[what] = self.counts.get(what, 0) + 1
        return yes

    def spawn(self, coro):
        task = self.loop.create_task(coro)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def late(self, what):
        if self.happens(what):
            await asyncio.sleep(self.rnd.random() * self.longest)

    async def ask(self, head, body):
        """The answer, or None."""
        for target in self.rnd.sample(self.targets, len(self.targets)):
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(*target)
                break
        else:
            return None
        try:
            writer.write(head + body)
            await writer.drain()
            return await asyncio.wait_for(read_message(reader), 60)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.close()

    async def pass_on(self, head, body):
        await self.late("delay")
        if self.is_cut or self.happens("loss"):
            return None
        if self.happens("double"):
            self.spawn(self.again(head, body))
        answer = await self.ask(head, body)
        await self.late("answer_delay")
        if self.is_cut or self.happens("answer_loss"):
            return None
        return answer

    async def again(self, head, body):
        await asyncio.sleep(self.rnd.random() * self.longest)
        await self.ask(head, body)

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            while True:
                request = await read_message(reader)
                if not request:
                    break
                # on its own: it is not taken back when the node gives up
                answer = await asyncio.shield(
                    self.spawn(self.pass_on(*request)))
                if not answer:
                    break
                writer.write(answer[0] + answer[1])
                await writer.drain()
        except (OSError, AssertionError, asyncio.IncompleteReadError,
                asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.close()
