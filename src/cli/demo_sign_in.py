"""Signs test numbers in to the demo's data centre with Debian's Telethon.

Nobody of this project wrote Telethon: that its session files run in tgfleet is
the point.  argv: environment file, folder for the .session files, phones.
Prints one JSON line per account.
"""
import asyncio
import json
import sys

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.network import connection
from telethon.sessions import SQLiteSession

TRANSPORTS = [
    ("full", connection.ConnectionTcpFull),
    ("abridged", connection.ConnectionTcpAbridged),
    ("intermediate", connection.ConnectionTcpIntermediate),
    ("obfuscated", connection.ConnectionTcpObfuscated),
]


async def sign_in(env, folder, phone, transport):
    name, kind = transport
    home = int(phone[5])  # 99966XYYYY lives in data centre X
    dc = next(d for d in env["dcs"] if d["id"] == home)
    session = SQLiteSession(f"{folder}/{phone}")
    session.set_dc(dc["id"], dc["address"], dc["port"])
    client = TelegramClient(session, env["api_id"], env["api_hash"],
                            connection=kind)
    await client.connect()
    await client.send_code_request(phone)
    me = await client.sign_in(phone, phone[5] * 5)
    await client.disconnect()
    print(json.dumps({"phone": phone, "user_id": me.id, "transport": name,
                      "file": f"{folder}/{phone}.session"}), flush=True)


async def main():
    env = json.load(open(sys.argv[1], encoding="utf-8"))
    rsa._server_keys.clear()
    for pem in env["keys"]:
        rsa.add_key(pem, old=False)
    for i, phone in enumerate(sys.argv[3:]):
        await sign_in(env, sys.argv[2], phone, TRANSPORTS[i % 4])


asyncio.run(main())
