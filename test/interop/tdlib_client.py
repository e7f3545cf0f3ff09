"""TDLib 1.8.62, by its JSON interface.  Speaks the lines of lines.mjs.

    tdlib_client.py ENVIRONMENT [pfs] [PROXY]

pfs: with temporary keys.  PROXY is JSON as addProxy takes it; without one, all leads
to the data centre.
"""
import hashlib
import json
import pathlib
import queue
import sys
import tempfile
import time

import socks
from tdlib import Td

env, options = json.load(open(sys.argv[1])), sys.argv[2:]


def proxy():
    if options and options[-1] != "pfs":
        return json.loads(options[-1])
    return {"server": "127.0.0.1", "port": socks.start(env),
            "type": {"@type": "proxyTypeSocks5"}}


def say(**what):
    print(json.dumps(what), flush=True)


class Doing:
    """One method a command."""

    def __init__(self, folder):
        self.folder = folder
        self.states, self.sent = queue.Queue(), queue.Queue()
        self.td = Td(env["keys"][0], self.update)

    def update(self, u):
        kind = u["@type"]
        if kind == "updateAuthorizationState":
            self.states.put(u["authorization_state"]["@type"])
        elif kind == "updateMessageSendSucceeded":
            self.sent.put((u["old_message_id"], u["message"]["id"], None))
        elif kind == "updateMessageSendFailed":
            self.sent.put((u["old_message_id"], 0, u["error"]["message"]))
        elif kind == "updateNewMessage" and not u["message"]["is_outgoing"]:
            m = u["message"]
            if m["content"]["@type"] == "messageText":
                say(event="message", text=m["content"]["text"]["text"],
                    **{"from": m["sender_id"].get("user_id", m["chat_id"])})

    def set_up(self):
        self.td.call("setTdlibParameters", api_id=env["api_id"],
                     api_hash=env["api_hash"], use_test_dc=False,
                     database_directory=self.folder, device_model="interop",
                     system_language_code="en", application_version="1")
        self.td.call("setOption", name="use_pfs", value={
            "@type": "optionValueBoolean", "value": "pfs" in options})
        self.td.call("addProxy", enable=True, proxy=proxy())

    def sign_in(self, phone, code, password=None):
        steps = {
            "WaitTdlibParameters": self.set_up,
            "WaitPhoneNumber": lambda: self.td.call(
                "setAuthenticationPhoneNumber", phone_number=phone),
            "WaitCode": lambda: self.td.call(
                "checkAuthenticationCode", code=code),
            "WaitPassword": lambda: self.td.call(
                "checkAuthenticationPassword", password=password),
        }
        while (state := self.states.get()) != "authorizationStateReady":
            steps[state.removeprefix("authorizationState")]()
        self.me = self.td.call("getMe")["id"]
        return {"user_id": self.me}

    def chat(self, username):
        return self.td.call("searchPublicChat", username=username)["id"]

    def arrived(self, message):
        """A message has a number of the server's once that has taken it."""
        while True:
            was, now, error = self.sent.get()
            if was == message["id"]:
                break
        if error:
            raise RuntimeError(error)
        return {"message_id": now}

    def send_content(self, to, kind, **content):
        return self.arrived(self.td.call(
            "sendMessage", chat_id=self.chat(to),
            input_message_content={"@type": kind, **content}))

    def send(self, to, text):
        return self.send_content(to, "inputMessageText",
                                 text={"@type": "formattedText", "text": text})

    def messages(self, username, limit):
        """It gives what it has at hand, and more when asked again."""
        got, chat = [], self.chat(username)
        while len(got) < limit:
            more = self.td.call(
                "getChatHistory", chat_id=chat, limit=limit - len(got),
                from_message_id=got[-1]["id"] if got else 0)["messages"]
            if not more:
                break
            got += more
        return got

    def history(self, limit, **peer):
        return {"texts": [m["content"]["text"]["text"]
                          for m in self.messages(peer["with"], limit)]}

    def forward(self, to, message_id, **peer):
        sent = self.td.call("forwardMessages", chat_id=self.chat(to),
                            from_chat_id=self.chat(peer["from"]),
                            message_ids=[message_id])
        return self.arrived(sent["messages"][0])

    def send_file(self, to, path):
        return self.send_content(to, "inputMessageDocument", document={
            "@type": "inputFileLocal", "path": path})

    def last_file(self, username):
        [m] = self.messages(username, 1)
        if m["is_outgoing"] and m["chat_id"] != self.me:
            return None
        return m["content"].get("document")

    def get_file(self, **peer):
        """History is what it was told so far: the file may not be in it yet."""
        while not (document := self.last_file(peer["with"])):
            time.sleep(0.05)
        file = self.td.call("downloadFile", priority=1, synchronous=True,
                            file_id=document["document"]["id"])
        data = pathlib.Path(file["local"]["path"]).read_bytes()
        return {"sha256": hashlib.sha256(data).hexdigest()}

    def join(self, hash):
        return {"chat_id": self.td.call("joinChatByInviteLink",
                                        invite_link=f"https://t.me/+{hash}")["id"]}

    def stop(self):
        self.td.call("close")
        while self.states.get() != "authorizationStateClosed":
            pass
        return {}


def obey(doing, line):
    order = json.loads(line)
    number, what = order.pop("id"), order.pop("do")
    try:
        say(id=number, ok=True, **getattr(doing, what)(**order))
    except Exception as e:
        say(id=number, error=repr(e))


with tempfile.TemporaryDirectory() as folder:
    doing = Doing(folder)
    for line in sys.stdin:
        obey(doing, line)
