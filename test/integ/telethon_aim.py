"""Telethon, which nobody here wrote, aimed at our data centre and no other."""
import pathlib

import pytest

pytest.importorskip("telethon")

from telethon import TelegramClient  # noqa: E402
from telethon.crypto import rsa  # noqa: E402
from telethon.sessions import SQLiteSession, StringSession  # noqa: E402

config_of = None


def trust(keys):
    rsa._server_keys.clear()
    for pem in keys:
        rsa.add_key(pem, old=False)


def forget_config(dc):
    """Kept by the class, so it may be that of another test's data centre."""
    global config_of
    if config_of is not dc.popen:
        TelegramClient._config = TelegramClient._cdn_config = None
        config_of = dc.popen


def client(dc, session=None, dc_id=1, **kw):
    """A client of data centre `dc_id`; `session` may be a path."""
    trust(dc.env["keys"])
    forget_config(dc)
    if session is None:
        session = StringSession()
    if isinstance(session, (str, pathlib.Path)):
        session = SQLiteSession(str(session))
    if not session.auth_key:
        session.set_dc(dc_id, *dc.dcs[dc_id])
    kw.setdefault("device_model", "tgfleet test")
    return TelegramClient(session, dc.env["api_id"], dc.env["api_hash"],
                          connection_retries=3, retry_delay=0.3, **kw)


def code_of(phone):
    return phone[5] * 5


async def sign_in(c, phone):
    await c.connect()
    await c.send_code_request(phone)
    return await c.sign_in(phone, code_of(phone))
