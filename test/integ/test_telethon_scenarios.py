"""Scenario files of test/scenarios, played with Debian's Telethon.

The data centre plays its steps; this program does what the `client` lines say.
Our own engine plays every file (test/scenarios/play.c); Telethon those whose
client lines mean the same to it.
"""
import asyncio
import shlex

import pytest

pytest.importorskip("telethon")

from telethon import errors, events  # noqa: E402

from fleet import ROOT, run, wait  # noqa: E402
from telethon_aim import client, sign_in  # noqa: E402

FILES = ROOT / "test" / "scenarios"
PLAYED = ["010-connects", "020-says-something", "030-hears-something",
          "040-refused", "110-flood-wait", "220-answer-late",
          "230-connection-lost", "310-gap", "430-frozen"]


class Player:
    def __init__(self, dc):
        self.dc, self.clients, self.heard = dc, {}, {}

    async def connects(self, phone):
        self.clients[phone] = c = client(self.dc)
        c.flood_sleep_threshold = 0
        self.heard[phone] = heard = []

        async def hear(e):
            heard.append(e.raw_text)
        c.add_event_handler(hear, events.NewMessage(incoming=True))
        await sign_in(c, phone)
        await c.get_me()

    async def sends(self, phone, text):
        await self.clients[phone].send_message("me", text)

    async def is_(self, phone, _refused, name, text):
        with pytest.raises(errors.RPCError) as e:
            await self.sends(phone, text)
        said = getattr(e.value, "seconds", None)
        assert (f"FLOOD_WAIT_{said}" == name if said is not None
                else name in str(e.value) or
                name.replace("_", "").lower() in
                type(e.value).__name__.lower()), e.value

    async def hears(self, phone, text):
        for _ in range(400):
            if text in self.heard[phone]:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{phone} heard {self.heard[phone]}")

    async def play(self, words):
        if words[0] == "waits":
            await asyncio.sleep(int(words[1]) / 1000)
        else:
            verb = {"is": self.is_}.get(words[1]) or getattr(self, words[1])
            await verb(words[0], *words[2:])


def lines_of(text):
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["client"]:
            yield words[1:]


# Telethon counts its connection and key exchange as anybody's would be.
SKIP = "check   handshakes"


@pytest.mark.parametrize("name", PLAYED)
def test_scenario(dc, name):
    text = (FILES / f"{name}.dcs").read_text()
    text = "\n".join(x for x in text.splitlines() if not x.startswith(SKIP))
    dc.call("/scenario", {"text": text})

    async def go():
        p = Player(dc)
        for words in lines_of(text):
            await p.play(words)
        for _ in range(300):
            end = dc.call("/scenario")
            if end["state"] != "running":
                break
            await asyncio.sleep(0.05)
        for c in p.clients.values():
            await c.disconnect()
        assert end["state"] == "done", end
    run(go())


def test_a_failure_names_its_line(dc):
    dc.call("/scenario", {"text": "title t\nuser 9996610001 Ada\n"
                                  "timeout 200ms\n"
                                  "expect messages.sendMessage\n"})
    end = wait(lambda: (s := dc.call("/scenario"))["state"] == "failed" and s)
    assert end["why"] == "line 4: waited in vain for messages.sendMessage"
    answer = dc.call("/scenario", {"text": "title t\nexpect messages.no\n"},
                     status=400)
    assert "line 2, column 8" in answer["error"]["message"]
    # The one before goes on.
    assert dc.call("/scenario")["state"] == "failed"


def test_scenario_by_option(tmp_path):
    from fleet import Dc
    (tmp_path / "s.dcs").write_text("title by option\nwait 10ms\n")
    dc = Dc(tmp_path, "--scenario", str(tmp_path / "s.dcs"))
    try:
        end = wait(lambda: (s := dc.call("/scenario"))["state"] == "done"
                   and s)
        assert end["title"] == "by option"
    finally:
        dc.close()
