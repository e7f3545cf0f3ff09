"""Many accounts of TDLib in one process, for the benchmark.  Speaks the lines of
lines.mjs.

    many_tdlib.py ENVIRONMENT FOLDER SOCKS_PORT

TDLib takes no foreign key: what is no session in FOLDER yet is signed in by code.
"""
import itertools
import json
import pathlib
import queue
import sys
import threading

from tdlib import load

AT_ONCE = 20
env = json.load(open(sys.argv[1]))
folder, port = pathlib.Path(sys.argv[2]), int(sys.argv[3])
lib = load(env["keys"][0])
numbers = itertools.count(1)
waiting, clients = {}, {}  # by "@extra"; by id of TDLib


def call(client, method, **fields):
    number = next(numbers)
    answer = waiting[number] = queue.Queue()
    lib.td_send(client, json.dumps(
        {"@type": method, "@extra": number, **fields}).encode())
    got = answer.get()
    if got["@type"] == "error":
        raise RuntimeError(f"{method}: {got['code']} {got['message']}")
    return got


class Account:
    def __init__(self, phone):
        self.phone, self.received = phone, 0
        self.states, self.sent = queue.Queue(), {}
        self.id = lib.td_create_client_id()
        clients[self.id] = self
        call(self.id, "getOption", name="version")  # silent until asked

    def update(self, u):
        kind = u["@type"]
        if kind == "updateAuthorizationState":
            self.states.put(u["authorization_state"]["@type"])
        elif kind == "updateNewMessage" and not u["message"]["is_outgoing"]:
            self.received += 1
        elif kind in ("updateMessageSendSucceeded", "updateMessageSendFailed"):
            self.sent.setdefault(u["old_message_id"], queue.Queue()).put(kind)

    def set_up(self):
        call(self.id, "setTdlibParameters", api_id=env["api_id"],
             api_hash=env["api_hash"], use_test_dc=False,
             use_message_database=False, use_file_database=False,
             use_chat_info_database=False,
             database_directory=str(folder / self.phone), device_model="bench",
             system_language_code="en", application_version="1")
        call(self.id, "addProxy", enable=True, proxy={
            "server": "127.0.0.1", "port": port,
            "type": {"@type": "proxyTypeSocks5"}})

    def open(self):
        steps = {
            "WaitTdlibParameters": self.set_up,
            "WaitPhoneNumber": lambda: call(
                self.id, "setAuthenticationPhoneNumber",
                phone_number=self.phone),
            "WaitCode": lambda: call(self.id, "checkAuthenticationCode",
                                     code=self.phone[5] * 5),
        }
        while (state := self.states.get()) != "authorizationStateReady":
            steps[state.removeprefix("authorizationState")]()
        self.me = call(self.id, "getMe")["id"]
        call(self.id, "createPrivateChat", user_id=self.me, force=True)

    def send(self, kind, **content):
        m = call(self.id, "sendMessage", chat_id=self.me,
                 input_message_content={"@type": kind, **content})
        got = self.sent.setdefault(m["id"], queue.Queue()).get()
        del self.sent[m["id"]]
        if got != "updateMessageSendSucceeded":
            raise RuntimeError(got)

    def close(self):
        call(self.id, "close")
        while self.states.get() != "authorizationStateClosed":
            pass


def receive():
    while True:
        text = lib.td_receive(10.0)
        if not text:
            continue
        got = json.loads(text)
        if "@extra" in got:
            waiting.pop(got["@extra"]).put(got)
        else:
            clients[got["@client_id"]].update(got)


def each(what, things):
    """For all of them, some at once."""
    todo, failed = queue.SimpleQueue(), []
    for t in things:
        todo.put(t)

    def work():
        while not todo.empty():
            try:
                what(todo.get_nowait())
            except queue.Empty:
                return
            except Exception as e:
                failed.append(e)
    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


class Doing:
    """One method a command."""

    def __init__(self):
        self.all = []

    def open(self, sessions):
        new = [Account(s["phone"]) for s in sessions]
        each(Account.open, new)
        self.all += new
        return {"open": len(self.all)}

    def settle(self):
        return {}

    def count(self):
        return {"received": sum(a.received for a in self.all)}

    def send(self, count, clients, text):
        each(lambda a: [a.send("inputMessageText",
                               text={"@type": "formattedText", "text": text})
                        for _ in range(count // clients)],
             self.all[:clients])
        return {"sent": count // clients * clients}

    def upload(self, path):
        self.all[0].send("inputMessageDocument", document={
            "@type": "inputFileLocal", "path": path})
        return {}

    def download(self):
        a = self.all[0]
        [m] = call(a.id, "getChatHistory", chat_id=a.me, limit=1,
                   from_message_id=0)["messages"]
        number = m["content"]["document"]["document"]["id"]
        call(a.id, "deleteFile", file_id=number)
        got = call(a.id, "downloadFile", priority=1, synchronous=True,
                   file_id=number)
        return {"bytes": got["local"]["downloaded_size"]}

    def stop(self):
        each(Account.close, self.all)
        return {}


lib.td_execute(json.dumps({"@type": "setLogVerbosityLevel",
                           "new_verbosity_level": 0}).encode())
threading.Thread(target=receive, daemon=True).start()
doing = Doing()
for line in sys.stdin:
    order = json.loads(line)
    answer = {"id": order.pop("id")}
    try:
        answer |= getattr(doing, order.pop("do"))(**order)
    except Exception as e:
        answer["error"] = repr(e)
    print(json.dumps(answer), flush=True)
