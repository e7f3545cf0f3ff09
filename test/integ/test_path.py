"""The path: Telethon's session file, upload, start, online, messages both ways."""
import asyncio
import json
import sqlite3

import pytest

pytest.importorskip("telethon")

from telethon import events, functions  # noqa: E402
from telethon.network import connection  # noqa: E402

from fleet import ACCOUNTS, API, START_ALL, cli, run, wait  # noqa: E402

TRANSPORTS = {
    "9996610001": connection.ConnectionTcpFull,
    "9996620002": connection.ConnectionTcpAbridged,
    "9996630003": connection.ConnectionTcpIntermediate,
    "9996610004": connection.ConnectionTcpObfuscated,
}
ANN, FRIEND = "9996610001", "9996620099"


def test_from_telethon_to_online(fleet):
    fleet.start("node-a", "node-b")
    files = {p: fleet.sign_in(p, connection=t) for p, t in TRANSPORTS.items()}

    # inspected offline: what Telethon wrote, and not the key
    told = json.loads(cli("session", "inspect", "--json",
                          *files.values()).stdout)
    for entry, (phone, path) in zip(told, files.items()):
        db = sqlite3.connect(path)
        dc, ip, port, key = db.execute(
            "select dc_id, server_address, port, auth_key from sessions"
        ).fetchone()
        db.close()
        assert (entry["dc_id"], entry["server_address"], entry["port"]) == (
            dc, ip, port) == (int(phone[5]), *fleet.dcs[int(phone[5])])
        assert entry["flavour"] == "telethon-sqlite"
        assert not fleet.secrets.find(json.dumps(told).encode())
    assert len({e["fingerprint"] for e in told}) == len(files)

    # three by the API, one by the command line
    *first, last = files.values()
    got = fleet.upload(*first)
    assert [r["success"] for r in got["results"]] == [True] * 3
    assert {r["account_id"] for r in got["results"]} == set(
        list(TRANSPORTS)[:3])
    table = cli("account", "upload", "--attested", last, fleet=fleet).stdout
    assert "9996610004" in table
    # and one that never had a session
    fleet.post(ACCOUNTS, {"account_id": "9996619999"})
    assert set(fleet.statuses().values()) == {"offline"}

    got = fleet.post(START_ALL, {"wait": "30s"})
    assert {a["account_id"] for a in got["successful_accounts"]} == set(files)
    assert got["accounts_started"] == 4 and got["accounts_total"] == 5
    failed, = got["failed_accounts"]
    assert failed["account_id"] == "9996619999"
    assert failed["error"] == "session file missing: 9996619999.session"
    assert failed["advice"] and failed["code"] == "session_missing"
    assert got["success"] is False

    nodes = {w.node for w in fleet.workers.values()}
    online = [a for a in fleet.accounts().values() if a["status"] == "online"]
    assert {a["account_id"] for a in online} == set(files)
    assert {a["node_id"] for a in online} == nodes
    for a in online:
        assert a["status_since"] and a["last_error"] is None
        assert a["lease"]["node_id"] == a["node_id"]
        assert fleet.seen(a["account_id"])["online"] == 1

    text = cli("account", "list", fleet=fleet).stdout
    for a in online:
        line, = [x for x in text.splitlines() if a["account_id"] in x]
        # state, node and since when, as the API has them
        assert "online" in line and a["node_id"] in line
        assert a["status_since"][:10] in line
    rows = json.loads(cli("account", "list", "--json", fleet=fleet).stdout)
    assert len(rows["items"]) == 5
    text = cli("node", "list", fleet=fleet).stdout
    assert all(n in text for n in nodes) and text.count("online") == 2
    assert {n["node_id"]: n["status"] for n in
            fleet.get(API + "/workers")["items"]} == {
                n: "online" for n in nodes}

    # one is stopped and stays stopped; the others do not notice
    before = fleet.counters()["connections"]
    cli("account", "stop", ANN, fleet=fleet)
    fleet.wait_status(ANN, "offline")
    wait(lambda: fleet.seen(ANN)["online"] == 0)
    assert sum(s == "online" for s in fleet.statuses().values()) == 3
    cli("account", "start", ANN, fleet=fleet)
    fleet.wait_status(ANN, "online")
    assert fleet.counters()["connections"] == before + 1


def test_messages_both_ways(fleet):
    fleet.start("node-a")
    fleet.admin("/users", {"phone": ANN, "first_name": "Ann",
                           "username": "ann_one", "home_dc": 1})
    fleet.upload(fleet.sign_in(ANN))
    assert fleet.post(START_ALL, {"wait": "30s"})["success"]
    node = fleet.workers["node-a"].node
    a = fleet.account(ANN)
    assert a["node_id"] == node and a["username"] == "ann_one"

    async def go():
        async with fleet.signed_in(FRIEND) as b:
            inbox = asyncio.Queue()
            b.add_event_handler(inbox.put, events.NewMessage(incoming=True))
            group = (await b(functions.messages.CreateChatRequest(
                ["ann_one"], "Two"))).chats[0].id
            a = fleet.account(ANN)
            assert a["message_count"] in (0, 1)  # the group's making
            base = a["message_count"]
            for n in range(3):
                await b.send_message(-group, f"line {n}")
            await asyncio.to_thread(wait, lambda: fleet.account(ANN)[
                "message_count"] == base + 3)
            assert fleet.account(ANN)["last_activity"]
            got = await asyncio.to_thread(
                fleet.command, node, "send_message", account_id=ANN,
                peer=-group, text="from the node äöü €", random_id=11)
            assert got["state"] == "succeeded", got
            e = await asyncio.wait_for(inbox.get(), 10)
            assert e.raw_text == "from the node äöü €"
            assert e.chat_id == -group and e.sender_id == fleet.user_id
            # once, and only once
            got = await b.get_messages(-group, limit=20)
            assert [m.raw_text for m in got].count("from the node äöü €") == 1
            got = await asyncio.to_thread(
                fleet.command, node, "send_message", account_id="9996611234",
                peer="self", text="x")
            assert got["state"] == "failed" and "9996611234" in got["error"]
            # only groups are talked to
            got = await asyncio.to_thread(
                fleet.command, node, "send_message", account_id=ANN,
                peer=12345, text="x")
            assert got["state"] == "failed"

    run(go())
