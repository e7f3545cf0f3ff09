"""What is asked of every client; each check is one column of the table."""
import collections
import contextlib
import hashlib
import os
import time

from clients import Client
from fleet import ACCOUNTS, wait

Check = collections.namedtuple("Check", "title run skip")

# These do not look for gaps themselves (neither package has code for it).
BY_HAND = {"gramjs", "teleproto"}
# Their scripts have no order for it yet.
NO_TOPICS = ("tdlib", "tdlib_pfs", "tgfleet")


def code_of(phone):
    return phone[5] * 5


def drain(world):
    """What earlier checks still had on the way is not of this one."""
    time.sleep(0.3)
    for c in world.clients.values():
        while not c.messages.empty():
            c.messages.get()


def sign_in(world, c):
    got = c.ask("sign_in", phone=c.phone, code=code_of(c.phone))
    assert got["user_id"] == world.dc.account(c.phone)["user_id"]
    c.signed_in = True


@contextlib.contextmanager
def second(world, c, phone, **how):
    """Another process of the same client, signed in."""
    it = Client(c.name, phone, world.tmp)
    try:
        got = it.ask("sign_in", phone=phone, code=code_of(phone), **how)
        assert got["user_id"] == world.dc.account(phone)["user_id"]
        yield it
    finally:
        it.stop()


def two_steps(world, c):
    """A number with a password."""
    phone = c.phone[:6] + "9" + c.phone[7:]
    world.dc.call("/users", {"phone": phone, "first_name": "Locked",
                             "password": "Schlüssel 1", "home_dc": 1})
    with second(world, c, phone, password="Schlüssel 1"):
        pass


def others(world, c):
    return [o for o in world.clients.values() if o is not c and o.signed_in]


def talk(world, c):
    """To everybody else, and what they hear; numbered, so an order is seen."""
    for o in others(world, c):
        texts = [f"{c.name} to {o.name} {n} äöü €" for n in range(3)]
        for t in texts:
            c.ask("send", to=o.user, text=t)
        o.heard(texts)
        got = o.ask("history", limit=3, **{"with": c.user})
        assert got["texts"] == texts[::-1], got


def say_from(world, c, text, sender=None):
    if sender is None:
        sender = next(iter(others(world, c)), c).phone
    world.dc.call("/messages", {"from": sender, "to": c.phone, "text": text})


def disconnect(world, c):
    world.dc.call("/faults", {"kind": "drop", "phone": c.phone})
    c.ask("send", to=c.user, text="after the drop")
    say_from(world, c, "still there?")
    c.heard(["still there?"])
    c.quiet()


def gap(world, c):
    """Said while nothing was delivered; then one more, which shows the gap."""
    if c.name in BY_HAND:
        c.ask("missed")
        drain(world)
    world.dc.call("/faults", {"kind": "lose", "phone": c.phone, "count": 3})
    texts = [f"lost {n}" for n in range(3)]
    for t in texts:
        say_from(world, c, t)
    if c.name in BY_HAND:
        c.ask("missed")
        c.heard(texts)
        return "when asked"
    say_from(world, c, "seen")
    c.heard([*texts, "seen"])
    c.quiet()
    return None


class Node:
    """A control plane and a node that holds one account of ours."""

    phone, user = "9996618888", "user_node"

    def __init__(self, world):
        world.dc.call("/users", {"phone": self.phone, "first_name": "Node",
                                 "username": self.user, "home_dc": 1})
        self.fleet = world.fleet
        self.fleet.start_serve()
        self.worker = self.fleet.start_worker("node-a")
        self.fleet.upload(self.fleet.sign_in(self.phone),
                          account_id=self.phone)
        self.fleet.post(f"{ACCOUNTS}/{self.phone}/start")
        self.fleet.wait_status(self.phone, "online")

    def heard(self):
        return self.fleet.account(self.phone)["message_count"]


def fleet(world, c):
    """With an account that a node of tgfleet holds, both ways."""
    if not world.node:
        world.node = Node(world)
    node = world.node
    say_from(world, c, "write to me", node.phone)
    c.heard(["write to me"])
    before = node.heard()
    c.ask("send", to=node.user, text="hello, node")
    wait(lambda: node.heard() == before + 1)
    chat = world.dc.call("/chats", {"title": "With a node", "members": [
        node.phone, c.phone]})["chat_id"]
    got = node.fleet.command(node.worker.node, "send_message",
                             account_id=node.phone, peer=-chat,
                             text="hello from a node")
    assert got["state"] == "succeeded", got
    while c.messages.get(timeout=20)[1] != "hello from a node":
        pass  # the group's making may be told, too
    c.quiet()


def supergroup(world, c):
    """Joined by its link; what was forwarded there names its author."""
    if not world.group:
        owner = world.dc.call("/users", {"phone": "9996617777",
                                         "first_name": "Owner"})
        world.group = world.dc.call("/channels", {
            "title": "Supergroup", "creator": owner["user_id"]})
    c.ask("join", hash=world.group["invite"])
    first = next(iter(others(world, c)), c)
    sent = c.ask("send", to=first.user, text=f"to be forwarded by {c.name}")
    if first is not c:
        first.heard([f"to be forwarded by {c.name}"])
    c.ask("forward", to=world.group["username"], message_id=sent["message_id"],
          **{"from": first.user})
    world.dc.call("/messages", {"from": "9996617777", "text": "well done",
                                "channel": world.group["channel_id"]})
    if c.name in BY_HAND:
        got = c.ask("history", limit=2, **{"with": world.group["username"]})
        assert got["texts"] == ["well done", f"to be forwarded by {c.name}"]
        return
    while c.messages.get(timeout=20)[1] != "well done":
        pass  # what the others forwarded there


def topics(world, c):
    """A forum of its own: topics made, talked in, changed, listed, deleted."""
    got = c.ask("topics", title=f"Forum of {c.name}")
    first, second = got["first"], got["second"]
    assert {t["title"]: (t["id"], t["closed"]) for t in got["topics"]} == {
        "General": (1, False), "first": (first, False),
        "renamed": (second, True)}, got
    assert got["texts"] == ["first again", "in first", ""], got
    assert got["in_topic"], got
    assert set(got["left"]) == {"General", "first"}, got
    kept = world.dc.call(f"/messages?channel={got['channel']}")["messages"]
    assert {(m["text"], m.get("topic")) for m in kept
            if not m.get("service")} == {
        ("in first", first), ("first again", first), ("in general", None)}


def pass_file(world, c, other, size):
    data = os.urandom(size)
    path = world.tmp / "file.bin"
    path.write_bytes(data)
    c.ask("send_file", to=other.user, path=str(path), seconds=60)
    got = other.ask("get_file", seconds=60, **{"with": c.user})
    assert got["sha256"] == hashlib.sha256(data).hexdigest(), got


def files(world, c):
    """5 MB to the next client, which fetches it byte for byte."""
    names = list(world.clients)
    other = world.clients[names[(names.index(c.name) + 1) % len(names)]]
    pass_file(world, c, other, 5 << 20)


def another_dc(world, c):
    """An account that lives elsewhere; each fetches files from the other's DC."""
    phone = c.phone[:5] + "2" + c.phone[6:]
    world.dc.call("/users", {"phone": phone, "first_name": "Far", "home_dc": 2,
                             "username": f"far_{c.name}"})
    with second(world, c, phone) as far:
        far.user = f"far_{c.name}"
        say_from(world, c, "from afar", phone)
        c.heard(["from afar"])
        pass_file(world, c, far, 300_000)
        say_from(world, far, "to afar", c.phone)
        while far.messages.get(timeout=20)[1] != "to afar":
            pass  # the file may be told, too
        pass_file(world, far, c, 300_000)


CHECKS = [
    Check("sign in", sign_in, {}),
    Check("2FA", two_steps, {}),
    Check("chat", talk, {}),
    Check("with our engine", fleet, {}),
    Check("supergroup, forward", supergroup, {}),
    Check("topics", topics, {"telethon": "not in its layer",
                             **dict.fromkeys(NO_TOPICS, "not asked")}),
    Check("5 MB file", files, {}),
    Check("another DC", another_dc, {"mtcute_pfs": "stalls"}),
    Check("forced disconnect", disconnect, {}),
    Check("gap", gap, {}),
]
