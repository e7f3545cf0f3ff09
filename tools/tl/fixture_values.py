"""Random objects shaped by a schema, as typed trees, for the fixtures_*.py.

A tree is (entry, {field name: value}); values are Python's: int, float, str, bytes
(int128 and int256 too), bool, trees, lists of them.  Optional fields left out are
not in the dictionary.
"""
from tltext import parse

CHOSEN = """message messageService messageEmpty user userEmpty chat chatEmpty
    chatForbidden channel channelForbidden config dcOption peerUser peerChat
    peerChannel updateNewMessage updateNewChannelMessage updateShort updates
    updatesCombined updateShortMessage updateShortChatMessage
    updateShortSentMessage updatesTooLong updates.state updates.difference
    updates.differenceEmpty updates.differenceSlice auth.sentCode
    auth.authorization messages.messages messages.messagesSlice
    messages.channelMessages messages.dialogs dialog users.userFull nearestDc
    help.getConfig users.getUsers messages.sendMessage messages.getHistory
    auth.sendCode auth.signIn updates.getDifference account.updateStatus
    messages.getDialogs auth.importBotAuthorization""".split()
WORDS = ["", "x", "hello", "Straße", "привет", "日本" * 40, "a" * 253, "b" * 300]


def to_json(value, kind=""):
    """As the vectors of layer 223 spell it."""
    if isinstance(value, tuple):
        e, fields = value
        types = {f.name: f.type for f in e.fields}
        return {"_": e.name} | {k: to_json(v, types[k])
                                for k, v in fields.items()}
    if isinstance(value, list):
        return [to_json(v, kind) for v in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if kind == "long" else value


class Maker:
    def __init__(self, path, rng):
        self.rng = rng
        self.entries = parse(path.read_text())[1]
        self.by_name = {e.name: e for e in self.entries}
        self.by_type = {}
        for e in self.entries:
            if not e.is_function:
                self.by_type.setdefault(e.result, []).append(e)

    def scalar(self, kind):
        rng = self.rng
        if kind == "int":
            return rng.choice([0, 1, -1, 2**31 - 1, -2**31,
                               rng.getrandbits(30)])
        if kind == "long":
            return rng.choice([0, 1, -1, 2**63 - 1, -2**63,
                               rng.getrandbits(60)])
        if kind == "double":
            return rng.choice([0.0, -1.5, 1e100])
        if kind == "string":
            return rng.choice(WORDS)
        if kind == "bytes":
            return rng.randbytes(rng.choice([0, 1, 2, 3, 4, 253, 254, 260]))
        if kind in ("int128", "int256"):
            return rng.randbytes(int(kind[3:]) // 8)
        return rng.random() < 0.5     # Bool

    def value(self, f, depth):
        def one():
            if f.type in self.by_type and f.type != "Bool":
                return self.make(self.pick(f.type, depth), depth + 1)
            if f.name in ("user_id", "chat_id", "channel_id"):
                # Libraries compute with these; they take extreme ones for marked.
                return self.rng.getrandbits(31)
            return self.scalar(f.type)
        if not f.vec:
            return one()
        return [one() for _ in range(self.rng.randint(1, 3 if depth < 3
                                                      else 1))]

    def pick(self, type_name, depth):
        options = self.by_type[type_name]
        if depth > 2:
            return min(options, key=lambda e: sum(
                not f.flag and f.type in self.by_type for f in e.fields))
        return self.rng.choice(options)

    def make(self, e, depth=0):
        fields = {}
        chance = 0.6 if depth == 0 else 0.2 if depth < 4 else 0
        bits = {f.flag: self.rng.random() < chance for f in e.fields if f.flag}
        for f in e.fields:
            if f.type == "#" or f.flag and not bits[f.flag]:
                continue
            fields[f.name] = True if f.type == "true" \
                else self.value(f, depth)
            # The libraries take False for "absent" whatever the type.
            if f.flag and f.type == "Bool":
                fields[f.name] = True
        return e, fields

    def sample(self, chosen, rest):
        """The chosen three times each, and some of the rest."""
        names = [n for n in chosen if n in self.by_name for _ in range(3)]
        others = sorted(e.name for e in self.entries if e.name not in chosen
                        and not e.generic() and (e.is_function or e.result
                        not in ("Bool", "True", "Null")))
        names += self.rng.sample(others, rest)
        return [self.make(self.by_name[n]) for n in names]
