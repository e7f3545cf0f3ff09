"""Reads a TL schema back out of Telethon's generated Python classes.

from_reader() gives the fields in order, with their wire kinds and flags; the
annotations of __init__() name the object types; SUBCLASS_OF_ID is the CRC32 of the
result type's name.  What those drop (name spaces of types, renamed fields) is tried
until the entry's CRC32 is its id, so nothing here is guessed.
"""
import ast
import itertools
import re
import zlib

from tltext import Entry, Field

KINDS = {"read_int": "int", "read_long": "long", "read_double": "double",
         "tgread_string": "string", "tgread_bytes": "bytes",
         "tgread_date": "int", "tgread_bool": "Bool", "tgread_object": None}
RENAMED = {"is_self": "self"}
BUILTIN = {"boolFalse", "boolTrue", "true", "null", "vector"}
# Service objects: they belong to mtproto.tl, whatever the layer.
SERVICE = set("""badMsgNotification badServerSalt bindAuthKeyInner
    clientDHInnerData destroyAuthKeyFail destroyAuthKeyNone destroyAuthKeyOk
    destroySessionNone destroySessionOk dhGenFail dhGenOk dhGenRetry futureSalt
    futureSalts httpWait ipPort ipPortSecret msgDetailedInfo msgNewDetailedInfo
    msgResendReq msgsAck msgsAllInfo msgsStateInfo msgsStateReq
    newSessionCreated pQInnerData pQInnerDataDc pQInnerDataTemp
    pQInnerDataTempDc pong resPQ rpcAnswerDropped rpcAnswerDroppedRunning
    rpcAnswerUnknown rpcError serverDHInnerData serverDHParamsFail
    serverDHParamsOk tlsBlockDomain tlsBlockGrease tlsBlockPublicKey
    tlsBlockRandom tlsBlockScope tlsBlockString tlsBlockZero tlsClientHello
    accessPointRule help.configSimple destroyAuthKey destroySession getFutureSalts ping
    pingDelayDisconnect reqDHParams reqPq reqPqMulti rpcDropAnswer
    setClientDHParams""".split())


class Class:
    """What one generated class says."""

    def __init__(self, module, node, is_function):
        name = node.name.removesuffix("Request") if is_function else node.name
        name = name[0].lower() + name[1:]
        self.name = f"{module}.{name}" if module else name
        self.is_function = is_function
        self.fields = []
        for item in node.body:
            if isinstance(item, ast.Assign):
                value = ast.literal_eval(item.value)
                if item.targets[0].id == "CONSTRUCTOR_ID":
                    self.id = value
                else:
                    self.result_id = value
            elif isinstance(item, ast.FunctionDef):
                self.function(item)

    def function(self, node):
        if node.name == "__init__":
            self.types = {a.arg: ast.unparse(a.annotation)
                          for a in node.args.args[1:]}
            doc = ast.get_docstring(node) or ""
            m = re.search(r"(?:Constructor for|:returns) (\S+?):", doc)
            self.result_text = m[1] if m else None
        elif node.name == "from_reader":
            statements(node.body, "", self.fields)


def flag_of(node):
    """`flags2 & 8` -> flags2.3"""
    return f"{node.left.id}.{node.right.value.bit_length() - 1}"


def read_kind(call):
    """Kind of a `reader.x()` call; None for an object."""
    attr = call.func.attr
    if attr == "read_large_int":
        return f"int{call.keywords[0].value.value}"
    if attr == "from_reader":
        return None
    return KINDS[attr]


def is_reader(node, attr=None):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
        and (attr is None or node.func.attr == attr)


def assigned(stmt, flag, out):
    name, value = stmt.targets[0].id, stmt.value
    if re.fullmatch(r"flags\d*", name):
        out.append(Field(name, "#"))
    elif name.startswith("_"):
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") \
                == "bool":
            out.append(Field(name[1:], "true", flag_of(value.args[0])))
        elif isinstance(value, ast.List):
            pass    # filled by the loop that follows
        else:
            out.append(Field(name[1:], read_kind(value), flag))


def loop(stmt, flag, boxed, out):
    kind = name = None
    for s in stmt.body:
        if isinstance(s, ast.Assign):
            kind = read_kind(s.value)
        elif isinstance(s, ast.Expr):
            name = s.value.func.value.id[1:]
    out.append(Field(name, kind, flag, "Vector" if boxed else "vector"))


def statements(body, flag, out):
    boxed = False
    for stmt in body:
        if isinstance(stmt, ast.If):
            statements(stmt.body, flag_of(stmt.test), out)
        elif isinstance(stmt, ast.Assign):
            assigned(stmt, flag, out)
        elif isinstance(stmt, ast.For):
            loop(stmt, flag, boxed, out)
        # "read the constructor; make the list; loop": the list is in between.
        if not isinstance(stmt, ast.Assign):
            boxed = isinstance(stmt, ast.Expr) \
                and is_reader(stmt.value, "read_int")


def classes(root):
    for part, is_function in ("types", False), ("functions", True):
        for path in sorted((root / part).glob("*.py")):
            module = "" if path.stem == "__init__" else path.stem
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    yield Class(module, node, is_function)


def type_names(found):
    """CRC32 -> full type name, short name -> full names."""
    by_crc, by_short = {}, {}
    for c in found:
        text = getattr(c, "result_text", None)
        if text:
            by_crc[zlib.crc32(text.encode())] = text
    modules = {c.name.rpartition(".")[0] for c in found}
    used = {annotated(t) for c in found for t in getattr(c, "types", {}).values()}
    for short in used - {None}:
        for m in modules:
            text = f"{m}.{short}".lstrip(".")
            by_crc.setdefault(zlib.crc32(text.encode()), text)
    by_crc = {k: v for k, v in by_crc.items()
              if any(c.result_id == k for c in found)}
    for text in list(by_crc.values()):
        text = f"Vector<{text}>"
        by_crc.setdefault(zlib.crc32(text.encode()), text)
    for c in found:
        # Constructors without fields have no docstring to say their type.
        head, _, tail = c.name.rpartition(".")
        tail = tail[0].upper() + tail[1:]
        for end in range(1, len(tail) + 1):
            text = f"{head}.{tail[:end]}".lstrip(".")
            if zlib.crc32(text.encode()) == c.result_id:
                by_crc.setdefault(c.result_id, text)
    for text in by_crc.values():
        inner = re.sub(r"^[Vv]ector<(.*)>$", r"\1", text)
        by_short.setdefault(inner.rpartition(".")[2], set()).add(inner)
    return by_crc, by_short


def annotated(text):
    m = re.search(r"Type(\w+)'", text)
    return m[1] if m else None


def candidates(c, field, by_short):
    names = dict.fromkeys([RENAMED.get(field.name, field.name), field.name])
    if field.type:
        types = [field.type]
        if field.type == "#":
            names = [field.name]
    else:
        short = annotated(c.types[field.name])
        types = sorted(by_short.get(short, {short}))
    return [Field(n, t, field.flag, field.vec, t == "X")
            for n in names for t in types]


def entry(c, by_crc, by_short):
    result = by_crc.get(c.result_id)
    if not result:
        return None
    m = re.match(r"^[Vv]ector<(.*)>$", result)
    inner, vec = (m[1], result[:6]) if m else (result, "")
    options = [candidates(c, f, by_short) for f in c.fields]
    for fields in itertools.product(*options):
        e = Entry(c.name, c.id, list(fields), inner, vec, c.is_function)
        if e.crc() == e.id:
            return e
    return None


def load(root):
    """Returns (entries, layer); raises SystemExit naming what it cannot read."""
    layer = int(re.search(r"^LAYER = (\d+)$",
                          (root / "alltlobjects.py").read_text(), re.M)[1])
    found = [c for c in classes(root) if c.name not in BUILTIN]
    by_crc, by_short = type_names(found)
    out, bad = [], []
    for c in found:
        e = entry(c, by_crc, by_short)
        if e:
            out.append(e)
        elif c.name not in SERVICE:
            bad.append(c.name)
    if bad:
        raise SystemExit(f"{root}: cannot reconstruct {' '.join(bad)}")
    return out, layer
