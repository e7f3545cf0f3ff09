"""The TDLib library by its C interface, with the server keys of a tgfleet dc.

TDLib knows the keys of Telegram's servers only, as text in its data.  A copy in
memory gets another text of the same length; nothing of it is ever in a file.  It
runs only where no packet can leave the machine.
"""
import ctypes
import itertools
import json
import os
import pathlib
import queue
import re
import socket
import threading

LIBRARY = (pathlib.Path(__file__).resolve().parent / "node_modules" /
           "@prebuilt-tdlib" / "linux-x64-glibc" / "libtdjson.so")
KEY = re.compile(rb"-----BEGIN RSA PUBLIC KEY-----\n[^-]+"
                 rb"-----END RSA PUBLIC KEY-----(?=\0)")


def load(pem):
    """The library, trusting this key instead of the main and the test one."""
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        raise SystemExit(f"tdlib: there is a network ({', '.join(others)}): "
                         "run it under unshare -rn, with lo up")
    pem = pem.strip().encode()
    data, found = KEY.subn(lambda m: pem.ljust(len(m[0]))[:len(m[0])],
                           LIBRARY.read_bytes())
    if found != 2 or pem not in data:
        raise SystemExit(f"tdlib: {found} keys in {LIBRARY.name}, not 2 that "
                         f"{len(pem)} bytes can take the place of")
    fd = os.memfd_create("libtdjson.so")
    with open(fd, "wb", closefd=False) as f:
        f.write(data)
    lib = ctypes.CDLL(f"/proc/self/fd/{fd}")
    lib.td_receive.argtypes = [ctypes.c_double]
    lib.td_receive.restype = lib.td_execute.restype = ctypes.c_char_p
    lib.td_send.argtypes = [ctypes.c_int, ctypes.c_char_p]
    return lib


class Td:
    """One client.  `on_update` is called on the thread that receives."""

    def __init__(self, pem, on_update):
        self.lib, self.on_update = load(pem), on_update
        self.waiting, self.numbers = {}, itertools.count(1)
        self.lib.td_execute(json.dumps({
            "@type": "setLogVerbosityLevel", "new_verbosity_level":
            int(os.environ.get("TDLIB_LOG", "1"))}).encode())
        self.id = self.lib.td_create_client_id()
        threading.Thread(target=self.receive, daemon=True).start()
        self.call("getOption", name="version")  # it is silent until asked

    def receive(self):
        while True:
            text = self.lib.td_receive(10.0)
            if not text:
                continue
            got = json.loads(text)
            if "@extra" in got:
                self.waiting.pop(got["@extra"]).put(got)
            else:
                self.on_update(got)

    def call(self, method, **fields):
        number = next(self.numbers)
        answer = self.waiting[number] = queue.Queue()
        self.lib.td_send(self.id, json.dumps(
            {"@type": method, "@extra": number, **fields}).encode())
        got = answer.get()
        if got["@type"] == "error":
            raise RuntimeError(f"{method}: {got['code']} {got['message']}")
        return got
