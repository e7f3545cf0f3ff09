"""TL schema text: lines as people write them, their CRC32, and back.

    name#1a2b3c4d flags:# id:flags.0?long list:Vector<Peer> = Type;

A constructor's id is the CRC32 of its line in a reduced form; that is how a typing
error anywhere in a schema is found.
"""
import dataclasses
import re
import zlib


class SchemaError(Exception):
    pass


@dataclasses.dataclass
class Field:
    name: str
    type: str          # innermost: long, bytes, Peer, future_salt, X
    flag: str = ""     # "flags.3", or empty
    vec: str = ""      # "", "Vector", "vector"
    generic: bool = False  # !X

    def text(self):
        t = self.type
        if self.generic:
            t = "!" + t
        if self.vec:
            t = f"{self.vec}<{t}>"
        return f"{self.name}:{self.flag + '?' if self.flag else ''}{t}"


@dataclasses.dataclass
class Entry:
    name: str
    id: int
    fields: list
    result: str        # innermost
    result_vec: str = ""
    is_function: bool = False

    def generic(self):
        return any(f.generic for f in self.fields)

    def text(self):
        head = f"{self.name}#{self.id:x}"
        if self.generic():
            head += " {X:Type}"
        res = f"{self.result_vec}<{self.result}>" if self.result_vec \
            else self.result
        return " ".join([head] + [f.text() for f in self.fields]
                        + ["=", res]) + ";"

    def crc(self):
        s = re.sub(r"^([^ #]+)#[0-9a-f]+", r"\1", self.text()[:-1])
        s = re.sub(r" \w+:flags\d*\.\d+\?true(?= )", "", s)
        s = re.sub(r"([:?])bytes\b", r"\1string", s)
        for a, b in ("<", " "), (">", ""), ("{", ""), ("}", ""):
            s = s.replace(a, b)
        return zlib.crc32(s.encode())


FIELD = re.compile(r"^(\w+):(?:(flags\d*\.\d+)\?)?(?:(Vector|vector)<)?"
                   r"(!?)([\w.#]+)>?$")
LINE = re.compile(r"^([\w.]+)#([0-9a-f]{1,8}) (?:\{X:Type\} )?(.*?)"
                  r"= (?:(Vector|vector)<)?([\w.]+)>?;$")


def parse_line(line, is_function):
    m = LINE.match(line)
    if not m:
        raise SchemaError(f"not a TL line: {line}")
    fields = []
    for word in m[3].split():
        f = FIELD.match(word)
        if not f:
            raise SchemaError(f"{m[1]}: not a field: {word}")
        fields.append(Field(f[1], f[5], f[2] or "", f[3] or "", bool(f[4])))
    return Entry(m[1], int(m[2], 16), fields, m[5], m[4] or "", is_function)


def parse(text):
    """Returns (layer, entries)."""
    layer, out, functions = 0, [], False
    for line in text.splitlines():
        line = line.strip()
        m = re.match(r"^// LAYER (\d+)$", line)
        if m:
            layer = int(m[1])
        elif line == "---functions---":
            functions = True
        elif line == "---types---":
            functions = False
        elif line and not line.startswith("//"):
            out.append(parse_line(line, functions))
    return layer, out


def render(entries, layer, note):
    lines = [f"// {s}" for s in note]
    if layer:
        lines.append(f"// LAYER {layer}")
    lines += ["", "---types---", ""]
    lines += [e.text() for e in entries if not e.is_function]
    lines += ["", "---functions---", ""]
    lines += [e.text() for e in entries if e.is_function]
    return "\n".join(lines) + "\n"
