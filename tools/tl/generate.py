#!/usr/bin/env python3
"""Makes the TL tables and structs: run by Meson at build time.

  generate.py SCHEMA_DIR wanted.txt aliases.txt OUT_DIR

Writes tl_ids.h, tl_tables.c, tl_wanted.h and tl_wanted.c.  Fails when a line's CRC32
is not its id, a type does not exist, or a wanted name is missing.
"""
import pathlib
import re
import sys

from tltext import SchemaError, parse

SCHEMAS = ("api_223", "api_198", "api_144", "mtproto")
KINDS = {"#": "FLAGS", "true": "TRUE", "Bool": "BOOL", "int": "INT",
         "long": "LONG", "double": "DOUBLE", "int128": "INT128",
         "int256": "INT256", "string": "STRING", "bytes": "BYTES"}
BUILTIN = {"boolTrue", "boolFalse", "true", "vector", "null"}
KEYWORDS = set("""auto break case char const continue default do double else enum
    extern float for goto if inline int long register restrict return short signed
    sizeof static struct switch typedef union unsigned void volatile while bool
    true false""".split())
NEUTRAL = ("Empty", "None", "Unknown")
HEAD = "/* Made by tools/tl/generate.py; not to be edited. */\n"


def ident(name):
    return name.replace(".", "_")


class Schema:
    def __init__(self, name, text):
        self.name = name
        self.layer, self.entries = parse(text)
        seen = {}
        for e in self.entries:
            if e.crc() != e.id:
                raise SchemaError(f"{name}: {e.name}#{e.id:x}: the line's "
                                  f"CRC32 is {e.crc():08x}")
            for key in e.name, e.id:
                if key in seen:
                    raise SchemaError(f"{name}: {e.name} appears twice")
                seen[key] = e
        self.entries = sorted((e for e in self.entries
                               if e.name not in BUILTIN), key=lambda e: e.id)
        self.by_name = {e.name: e for e in self.entries}
        self.types = {e.result for e in self.entries if not e.is_function}
        for e in self.entries:
            if len({f.name for f in e.fields}) != len(e.fields):
                raise SchemaError(f"{name}: {e.name}: a field appears twice")
            for f in e.fields:
                self.check_field(e, f)

    def check_field(self, e, f):
        where = f"{self.name}: {e.name}.{f.name}"
        if self.kind(f) in ("OBJ", "BARE") and f.type not in self.types \
                and f.type not in self.by_name:
            raise SchemaError(f"{where}: no such type: {f.type}")
        if f.type == "#" and f.name not in ("flags", "flags2"):
            raise SchemaError(f"{where}: flags of another name")
        if f.type == "true" and not f.flag:
            raise SchemaError(f"{where}: true without a flag")
        if f.flag and not any(g.type == "#" and g.name == f.flag.split(".")[0]
                              for g in e.fields[:e.fields.index(f)]):
            raise SchemaError(f"{where}: its flags do not precede it")

    def kind(self, f):
        if f.generic:
            return "ANY"
        if f.type in KINDS:
            return KINDS[f.type]
        return "BARE" if f.type in self.by_name and f.type not in self.types \
            else "OBJ"

    def result_kind(self, e):
        if e.result == "X":
            return "ANY"
        return KINDS.get(e.result, "OBJ")

    def neutral(self, type_name):
        """The constructor that needs nothing, if there is one."""
        free = [e for e in self.entries
                if e.result == type_name and not e.is_function
                and all(f.flag or f.type == "#" for f in e.fields)]
        for suffix in NEUTRAL:
            for e in free:
                if e.name.endswith(suffix):
                    return e
        return free[0] if len(free) == 1 or free and not free[0].fields \
            else None


def flag_byte(f):
    if not f.flag:
        return "SCHEMA_ALWAYS"
    word, bit = f.flag.split(".")
    return str((32 if word == "flags2" else 0) + int(bit))


def numbered(prefix, names):
    ids = {}
    for n in sorted(names):
        i = f"{prefix}_{ident(n)}"
        if i in ids:
            raise SchemaError(f"{n} and {ids[i]} make the same {i}")
        ids[i] = n
    return ids


class Output:
    def __init__(self, schemas, aliases):
        self.schemas = schemas
        self.aliases = aliases
        every = [e for s in schemas for e in s.entries]
        self.names = numbered("TLN", {e.name for e in every})
        self.fields = numbered("TLF", {f.name for e in every
                                       for f in e.fields})
        self.types = numbered("TLT", {e.result for e in every})
        self.name_no = {n: i for i, n in enumerate(self.names.values(), 1)}
        self.type_no = {n: i for i, n in enumerate(self.types.values(), 1)}

    def ids_h(self):
        out = [HEAD, "#ifndef TL_TL_IDS_H\n#define TL_TL_IDS_H\n"]
        for prefix, table in (("TLN", self.names), ("TLF", self.fields),
                              ("TLT", self.types)):
            out.append(f"enum {prefix.lower()} {{\n\t{prefix}_NONE,")
            out += [f"\t{i}," for i in table]
            out.append(f"\t{prefix}_COUNT,\n}};\n")
        out.append("#endif")
        return "\n".join(out) + "\n"

    def field_row(self, s, f):
        kind = s.kind(f)
        kind_type = "0"
        if kind == "OBJ":
            kind_type = f"TLT_{ident(f.type)}"
        elif kind == "BARE":
            kind_type = f"TLN_{ident(f.type)}"
        vec = {"": "NO_VEC", "Vector": "VEC", "vector": "BARE_VEC"}[f.vec]
        word = 1 if f.name == "flags2" else 0
        return (f"\t{{ TLF_{ident(f.name)}, {kind_type}, SCHEMA_{kind}, "
                f"SCHEMA_{vec}, {flag_byte(f)}, {word} }},")

    def index_array(self, ctype, count, pairs):
        rows = [f"\t[{k}] = {v}," for k, v in pairs]
        return f"static const uint16_t {ctype}[{count}] = {{\n" \
            + "\n".join(rows) + "\n};\n"

    def schema_c(self, s):
        fields, ctors = [], []
        for e in s.entries:
            first = len(fields)
            fields += [self.field_row(s, f) for f in e.fields]
            vec = "VEC" if e.result_vec else "NO_VEC"
            kind = s.result_kind(e) if e.is_function else "OBJ"
            ctors.append(
                f"\t{{ 0x{e.id:08x}, TLN_{ident(e.name)}, "
                f"TLT_{ident(e.result)}, {first}, {len(e.fields)}, "
                f"{str(e.is_function).lower()}, SCHEMA_{kind}, SCHEMA_{vec} }},")
        index = {e.name: i + 1 for i, e in enumerate(s.entries)}
        by_name = dict(index)
        for schema, name, other in self.aliases:
            if schema != s.name:
                continue
            if name not in index or other in index or \
                    other not in self.name_no:
                raise SchemaError(f"alias {schema} {name} {other}: {name} must "
                                  "exist there, the other name elsewhere")
            by_name[other] = index[name]
        neutral = [(f"TLT_{ident(t)}", index[e.name])
                   for t in sorted(s.types) if (e := s.neutral(t))]
        n = s.name
        return "\n".join([
            f"static const struct schema_field fields_{n}[] = {{", *fields,
            "};\n", f"static const struct schema_ctor ctors_{n}[] = {{", *ctors,
            "};\n", self.index_array(
                f"by_name_{n}", "TLN_COUNT",
                [(f"TLN_{ident(k)}", v) for k, v in sorted(by_name.items())]),
            self.index_array(f"defaults_{n}", "TLT_COUNT", neutral),
            f"const struct schema schema_{n} = {{",
            f'\t"{n}", {s.layer}, ctors_{n}, fields_{n}, by_name_{n},',
            f"\tdefaults_{n}, {len(ctors)},", "};\n"])

    def texts(self, what, table):
        rows = "\n".join(f'\t"{n}",' for n in table.values())
        return f'const char *const schema_{what}_texts[] = {{\n\t"?",\n' \
            f"{rows}\n}};\n"

    def tables_c(self):
        return "\n".join(
            [HEAD, '#include "tl/schema_int.h"\n']
            + [self.schema_c(s) for s in self.schemas]
            + [self.texts("name", self.names),
               self.texts("field", self.fields),
               self.texts("type", self.types)])


class Structs:
    """C structs of the wanted constructors, and where their fields lie."""

    SCALARS = {"TRUE": "bool", "BOOL": "bool", "INT": "int32_t",
               "LONG": "int64_t", "DOUBLE": "double",
               "STRING": "struct tl_bytes", "BYTES": "struct tl_bytes",
               "ANY": "struct tl_bytes"}
    VECTORS = {"INT": "struct tlv_int", "LONG": "struct tlv_long",
               "STRING": "struct tlv_bytes", "BYTES": "struct tlv_bytes"}

    def __init__(self, schemas, lines):
        self.wanted = []    # (schema, entry)
        by_schema = {s.name: s for s in schemas}
        for line in lines:
            prefix, _, pattern = line.rpartition("/")
            s = by_schema[prefix or "api_223"]
            found = self.match(s, pattern)
            if not found:
                raise SchemaError(f"wanted: {s.name} has no {pattern}")
            self.wanted += [(s, e) for e in found
                            if (s, e) not in self.wanted]
        self.types = {}     # type name -> (schema, [entries])
        for s, e in self.wanted:
            if not e.is_function:
                self.types.setdefault(e.result, (s, []))[1].append(e)

    @staticmethod
    def match(s, pattern):
        if not pattern.endswith("*"):
            return [s.by_name[pattern]] if pattern in s.by_name else []
        stem = pattern[:-1]
        return [e for e in s.entries if not e.is_function
                and re.fullmatch(re.escape(stem) + r"([A-Z]\w*)?", e.name)]

    def c_type(self, s, e, f):
        kind = s.kind(f)
        if kind == "OBJ":
            name = ident(f.type) if f.type in self.types else "any"
            return f"struct {'tlv' if f.vec else 'tlt'}_{name}"
        table = self.VECTORS if f.vec else self.SCALARS
        if kind not in table:
            raise SchemaError(f"wanted: {e.name}.{f.name}: no C type for it")
        return table[kind]

    @staticmethod
    def member(f):
        return f.name + "_" if f.name in KEYWORDS else f.name

    @staticmethod
    def presence(e, f):
        """Says that f is there; the schema has a few has_x of its own."""
        name = "has_" + f.name
        return name + "_" if any(g.name == name for g in e.fields) else name

    @staticmethod
    def struct(e):
        return f"{'tlf' if e.is_function else 'tlc'}_{ident(e.name)}"

    def members(self, s, e):
        out = []
        for f in e.fields:
            if f.type == "#":
                continue
            if f.flag and f.type != "true":
                out.append(f"\tbool {self.presence(e, f)};")
            kind = s.kind(f)
            if kind in ("INT128", "INT256") and not f.vec:
                out.append(f"\tuint8_t {self.member(f)}"
                           f"[{int(kind[3:]) // 8}];")
            else:
                out.append(f"\t{self.c_type(s, e, f)} {self.member(f)};")
        return out

    def type_h(self, name):
        t = ident(name)
        arms = [f"\t\tstruct {self.struct(e)} *{ident(e.name)}"
                f"{'_' if e.name in KEYWORDS else ''};"
                for e in self.types[name][1]]
        return "\n".join([
            f"/* kind: TLN_* of the arm, or TLN_NONE (other: only raw). */",
            f"struct tlt_{t} {{", "\tuint16_t kind;",
            "\tstruct tl_bytes raw;", "\tunion {", "\t\tvoid *any;", *arms,
            "\t};", "};", f"struct tlv_{t} {{", "\tuint32_t n;",
            f"\tstruct tlt_{t} *v;", "};\n"])

    @staticmethod
    def call(ret_type, name, args, inner):
        return (f"static inline enum err {name}({args})\n{{\n"
                f"\treturn {inner};\n}}\n")

    def type_calls(self, name):
        s, _ = self.types[name]
        t, sch = ident(name), f"&schema_{s.name}, TLT_{ident(name)}"
        rd = "struct tl_reader *r, struct arena *a"
        ei = "struct err_info *ei"
        return (self.call(0, f"tlt_{t}_read",
                          f"{rd},\n\tstruct tlt_{t} *ret, {ei}",
                          f"bind_read_type(r, {sch}, a,\n"
                          f"\t\t(struct tlt_any *)(void *)ret, ei)")
                + self.call(0, f"tlv_{t}_read",
                            f"{rd},\n\tstruct tlv_{t} *ret, {ei}",
                            f"bind_read_vec(r, {sch}, a,\n"
                            f"\t\t(struct tlv_any *)(void *)ret, ei)")
                + self.call(0, f"tlt_{t}_write", f"struct tl_writer *w,\n"
                            f"\tconst struct tlt_{t} *v, {ei}",
                            f"bind_write_type(w, {sch},\n"
                            f"\t\t(const struct tlt_any *)(const void *)v, ei)"))

    def ctor_calls(self, e):
        n = self.struct(e)
        no = f"TLN_{ident(e.name)}"
        return (self.call(0, f"{n}_write", f"struct tl_writer *w,\n"
                          f"\tconst struct {n} *v, struct err_info *ei",
                          f"bind_write(w, {no}, v, ei)")
                + self.call(0, f"{n}_read", "struct tl_reader *r, "
                            "struct arena *a,\n"
                            f"\tstruct {n} *ret, struct err_info *ei",
                            f"bind_read(r, {no}, a, ret, ei)"))

    def wanted_h(self):
        out = [HEAD, "#ifndef TL_TL_WANTED_H\n#define TL_TL_WANTED_H\n",
               '#include "tl/bind.h"\n']
        out += [f"struct {self.struct(e)};" for _, e in self.wanted]
        out.append("")
        out += [self.type_h(t) for t in sorted(self.types)]
        for s, e in self.wanted:
            body = self.members(s, e) or ["\tuint8_t unused;"]
            out += [f"/* {e.text()} */".replace("\n", ""),
                    f"struct {self.struct(e)} {{", *body, "};\n"]
        out += [self.type_calls(t) for t in sorted(self.types)]
        out += [self.ctor_calls(e) for _, e in self.wanted]
        out.append("#endif")
        return "\n".join(out) + "\n"

    def field_place(self, e, f):
        n = self.struct(e)
        if f.type == "#":
            return "\t{ BIND_NOWHERE, BIND_NOWHERE },"
        has = f"offsetof(struct {n}, {self.presence(e, f)})" \
            if f.flag and f.type != "true" else "BIND_NOWHERE"
        return f"\t{{ offsetof(struct {n}, {self.member(f)}), {has} }},"

    def wanted_c(self):
        out = [HEAD, '#include "tl/tl_wanted.h"\n']
        rows, index = [], []
        for i, (s, e) in enumerate(self.wanted, 1):
            n = self.struct(e)
            places = "NULL"
            if e.fields:
                places = f"at_{n}"
                out += [f"static const struct bind_field at_{n}[] = {{",
                        *[self.field_place(e, f) for f in e.fields], "};\n"]
            rows.append(f"\t{{ &schema_{s.name}, {places}, "
                        f"sizeof(struct {n}) }},")
            index.append(f"\t[TLN_{ident(e.name)}] = {i},")
        out += ["const struct bind_ctor bind_ctors[] = {", *rows, "};\n",
                "const uint16_t bind_by_name[TLN_COUNT] = {", *index, "};"]
        return "\n".join(out) + "\n"


def words(path):
    return [line for line in map(str.strip, path.read_text().splitlines())
            if line and not line.startswith("#")]


def main():
    schema_dir, wanted, aliases, out_dir = map(pathlib.Path, sys.argv[1:])
    try:
        schemas = [Schema(n, (schema_dir / f"{n}.tl").read_text())
                   for n in SCHEMAS]
        tables = Output(schemas, [w.split() for w in words(aliases)])
        structs = Structs(schemas, words(wanted))
        files = {"tl_ids.h": tables.ids_h(), "tl_tables.c": tables.tables_c(),
                 "tl_wanted.h": structs.wanted_h(),
                 "tl_wanted.c": structs.wanted_c()}
    except SchemaError as e:
        sys.exit(f"generate.py: {e}")
    for name, text in files.items():
        (out_dir / name).write_text(text)


if __name__ == "__main__":
    main()
