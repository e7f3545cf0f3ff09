"""Starts the clients and talks to them."""
import collections
import json
import pathlib
import queue
import subprocess
import threading
import time

from fleet import program

HERE = pathlib.Path(__file__).resolve().parent
About = collections.namedtuple("About", "title layer transport command")

CLIENTS = {
    "telethon": About("Telethon (Debian)", 144, "full",
                      ["/usr/bin/python3", "telethon_client.py"]),
    "gramjs": About("GramJS 2.26.22", 198, "full", ["node", "gramjs.mjs"]),
    "teleproto": About("teleproto 1.223.1", 223, "full",
                       ["node", "teleproto.mjs"]),
    "mtcute": About("mtcute 0.28.2", 223, "intermediate",
                    ["node", "mtcute.mjs"]),
    "mtcute_pfs": About("mtcute 0.28.2, temporary keys", 223, "intermediate",
                        ["node", "mtcute.mjs", "pfs"]),
    "tdlib": About("TDLib 1.8.62", 223, "obfuscated intermediate",
                   ["/usr/bin/python3", "tdlib_client.py"]),
    "tdlib_pfs": About("TDLib 1.8.62, temporary keys", 223,
                       "obfuscated intermediate",
                       ["/usr/bin/python3", "tdlib_client.py", "pfs"]),
    # Last: our engine writes only to those who wrote to the account before.
    "tgfleet": About("tgfleet's engine", 223, "intermediate",
                     [str(pathlib.Path(program()).with_name("test")
                          / "interop" / "engine_client")]),
}


class Client:
    def __init__(self, name, phone, tmp):
        command = CLIENTS[name].command
        self.name, self.phone, self.user = name, phone, f"user_{name}"
        self.log = open(tmp / f"{name}.log", "wb")
        self.log_path = tmp / f"{name}.log"
        self.proc = subprocess.Popen(
            [*command[:2], str(tmp / "telegram.json"), *command[2:]], cwd=HERE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            text=True)
        self.answers, self.messages = queue.Queue(), queue.Queue()
        self.next_id, self.signed_in = 0, False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.proc.stdout:
            if not line.startswith("{"):
                self.log.write(line.encode())  # news of their own
                continue
            got = json.loads(line)
            if got.get("event") == "message":
                self.messages.put((got["from"], got["text"]))
            else:
                self.answers.put(got)

    def ask(self, do, seconds=30, **what):
        self.next_id += 1
        self.proc.stdin.write(json.dumps(
            {"id": self.next_id, "do": do, **what}) + "\n")
        self.proc.stdin.flush()
        end = time.monotonic() + seconds
        while True:
            try:
                got = self.answers.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"{self.name}: no answer to {do}\n"
                                   + self.tail()) from None
            if got["id"] == self.next_id:
                break
        if "error" in got:
            raise RuntimeError(f"{self.name}: {do}: {got['error']}")
        return got

    def tail(self):
        return self.log_path.read_text(errors="replace")[-3000:]

    def heard(self, texts, seconds=20):
        """Exactly these, in this order, whatever else came before."""
        got, end = [], time.monotonic() + seconds
        while len(got) < len(texts):
            try:
                got.append(self.messages.get(
                    timeout=max(0, end - time.monotonic()))[1])
            except queue.Empty:
                raise AssertionError(
                    f"{self.name} heard {got}, not {texts}") from None
        assert got == texts, (self.name, got, texts)

    def quiet(self, seconds=0.5):
        """Nothing is heard twice."""
        time.sleep(seconds)
        assert self.messages.empty(), (self.name, list(self.messages.queue))

    def stop(self):
        if self.proc.poll() is None:
            try:
                self.ask("stop", seconds=3)
            except Exception:
                pass
            self.proc.stdin.close()
            try:
                self.proc.wait(3)
            except subprocess.TimeoutExpired:
                self.proc.kill()
        self.log.close()
