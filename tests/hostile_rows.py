"""Hostile bytes, by reader: what somebody writes who wants to hold up, fill up or fool who reads a file of theirs.

Each row has a name, how its bytes are made, and what must be said about them; ``READ``: it is a file like any other,
and must be read as quickly. Most are as large as the reader takes, or as large as one of its limits lets them be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.descriptor_shape import SIZE_LIMIT as JSON_LIMIT
from hotgraft.core.manifest import read_manifest
from hotgraft.core.settings import read_settings
from hotgraft.core.toml_text import SIZE_LIMIT as TOML_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = tuple[str, Callable[[], bytes], str]

READ: Final = ""
MEBI: Final = 1 << 20
PLUGIN: Final = b"[plugins.a]\nimage = 'x'\n"
HEAD: Final = b'[plugin]\nname = "gain"\nversion = "1.2.0"\n'
ESCAPES: Final = "\x1b]0;owned\x07\x1b[2J\u202e\u2028\ufeff"  # what a terminal would obey, or show as something else


def filled(unit: bytes, head: bytes = b"", tail: bytes = b"", *, limit: int) -> bytes:
    """`unit` as often as it fits between `head` and `tail`."""
    return head + unit * ((limit - len(head) - len(tail)) // len(unit)) + tail


def numbered(form: bytes, head: bytes = b"", tail: bytes = b"", *, limit: int, most: int = 1 << 30) -> bytes:
    """`form` with 0, 1, 2 … as often as it fits, and not more often than `most`."""
    parts, size = [head], len(head) + len(tail)
    for number in range(most):
        part = form % number
        size += len(part)
        if size > limit:
            break
        parts.append(part)
    return b"".join([*parts, tail])


# --- descriptors ---


def parameter(name: str, kind: str, direction: str | None = None, count: str | None = None) -> dict[str, Any]:
    """One parameter; a pointer where it has a direction."""
    pointer = int(direction is not None)
    return {
        "name": name, "type": kind, "pointer": pointer, "direction": direction, "count": count,
        "nullable": False, "const": False,
    }  # fmt: skip


FUNCTION: Final[dict[str, Any]] = {
    "name": "process",
    "offset": 8,
    "since": [1, 0],
    "blocking": False,
    "idempotent": True,
    "returns": {"kind": "status", "type": "i32", "ownership": None, "count": None},
    "parameters": [parameter("in", "f32", "in", "n"), parameter("n", "u64"), parameter("p", "pair", "inout", "2")],
}
FIELD: Final[dict[str, Any]] = {"name": "a", "type": "i64", "offset": 0, "bytes": 8, "count": 1}
SOUND: Final[dict[str, Any]] = {
    "hotgraft": 1,
    "name": "gain",
    "version": "1.2.0",
    "abi": [1, 0],
    "provides": [{"interface": "gain", "version": [1, 2], "struct": "gain_v1", "bytes": 16, "functions": [FUNCTION]}],
    "requires": [{"interface": "codec", "range": "^1.2", "optional": False, "features": ["stereo"]}],
    "structs": {"pair": {"bytes": 8, "align": 8, "fields": [FIELD]}},
    "state": {"kind": "single", "schema": 1, "layout_id": 7, "handover": True, "save": False},
    "config_schema": {"type": "object", "properties": {"volume": {"type": "number", "default": 1.5}}},
    "pins": "wait",
    "features": ["seek", "stereo"],
    "permissions": ["network"],
}


def sound(**changes: Any) -> bytes:
    """A sound descriptor with other values under some keys."""
    return json.dumps(SOUND | changes).encode()


def with_fields(fields: list[dict[str, Any]], name: str = "pair", size: int = 8) -> bytes:
    """A descriptor with one struct of these fields."""
    return sound(structs={name: {"bytes": size, "align": 8, "fields": fields}})


def with_functions(count: int, **changes: Any) -> bytes:
    """A descriptor with so many functions."""
    functions = [{**FUNCTION, "name": f"f{i}", "offset": 8 + 8 * i} for i in range(count)]
    return sound(provides=[{**SOUND["provides"][0], "functions": functions, "bytes": 8 + 8 * count, **changes}])


def of_type(text: str, count: int = 12) -> bytes:
    """A descriptor with fields of that type."""
    return with_fields([{**FIELD, "name": f"f{i}", "type": text} for i in range(count)])


CHAIN: Final = {
    f"s{i}": {"bytes": 8, "align": 8, "fields": [{**FIELD, "type": f"s{(i + 1) % 1800}"}]} for i in range(1800)
}
DESCRIPTORS: Final[tuple[Row, ...]] = (
    ("nothing", lambda: b"", "is not a descriptor"),
    ("null", lambda: b"null", "expected an object"),
    ("an array", lambda: b"[]", "expected an object"),
    ("100 MB", lambda: b" " * (100 * MEBI), "has more than 262144 bytes"),
    ("100 MB of one text", lambda: b'"' + b"x" * (100 * MEBI), "has more than 262144 bytes"),
    ("one byte too many", lambda: sound().ljust(JSON_LIMIT + 1), "has more than 262144 bytes"),
    ("as long as may be", lambda: sound().ljust(JSON_LIMIT), READ),
    ("one text", lambda: filled(b"x", b'{"name":"', b'"}', limit=JSON_LIMIT), "holds a text of 262"),
    ("one text without an end", lambda: filled(b"x", b'{"name":"', limit=JSON_LIMIT), "holds a text of 262"),
    ("backslashes", lambda: filled(b"\\", b'{"name":"', limit=JSON_LIMIT), "holds a text of"),
    ("quotes", lambda: b'"' * JSON_LIMIT, "texts and keys; at most 20000"),
    ("texts", lambda: filled(b'"",', b"[", b"0]", limit=JSON_LIMIT), "texts and keys; at most 20000"),
    ("texts within the limit", lambda: filled(b'"xxxxxxxx",', b"[", b"0]", limit=19_990 * 11), "expected an object"),
    ("keys", lambda: numbered(b'"%x":0,', b"{", b'"z":0}', limit=JSON_LIMIT, most=19_990), "the key '0' is unknown"),
    ("a million keys", lambda: numbered(b'"%x":0,', b"{", b'"z":0}', limit=20 * MEBI), "has more than 262144 bytes"),
    (
        "the last key twice",
        lambda: numbered(b'"%x":0,', b"{", b'"z":0,"z":0}', limit=JSON_LIMIT, most=19_990),
        "'z' stands",
    ),
    ("keys within", lambda: sound(config_schema={f"{i:x}": 0 for i in range(19_800)}), READ),
    ("10,000 deep", lambda: b'{"a":' * 10_000, "is nested deeper than 64"),
    ("arrays 10,000 deep", lambda: b"[" * 10_000 + b"]" * 10_000, "is nested deeper than 64"),
    ("as deep as fits", lambda: b"[" * JSON_LIMIT, "holds more than 10000 objects and arrays"),
    ("closed before it is opened", lambda: b"]" * 9_000 + b"[" * 9_000, "is not a descriptor: Expecting value"),
    ("65 deep", lambda: b"[" * 65 + b"]" * 65, "is nested deeper than 64"),
    ("60 deep again and again", lambda: filled(b"[" * 60 + b"]" * 60 + b",", b"[", b"0]", limit=19_000), "an array"),
    ("brackets in a text", lambda: sound(config_schema={"a": "[" * 16_000}), READ),
    ("brackets behind a quote", lambda: sound(config_schema={"a": '\\"[' * 3_000}), READ),
    ("objects", lambda: filled(b"{},", b"[", b"0]", limit=119_000), "holds more than 10000 objects"),
    ("objects within", lambda: sound(config_schema={"a": [{"": 0}] * 9_900}), READ),
    ("tables of 10^5", lambda: sound(provides=[{}] * 100_000), "has more than 262144 bytes"),
    ("a key twice", lambda: b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
    ("a key twice inside", lambda: b'{"a": [{"b": 1, "b": 1}]}', "the key 'b' stands twice"),
    ("a key twice by an escape", lambda: b'{"a": 1, "\\u0061": 2}', "the key 'a' stands twice"),
    ("a long key twice", lambda: b'{"%s":1,"%s":1}' % ((b"\\u001b" * 2_000,) * 2), "\\x1b\\x1b"),
    ("NaN", lambda: b'{"a": NaN}', "NaN is not JSON"),
    ("infinity", lambda: b'{"a": -Infinity}', "-Infinity is not JSON"),
    ("1e999", lambda: b'{"a": 1e999}', "beyond a double"),
    ("an exponent bomb", lambda: filled(b"9", b'{"a":1e', b"}", limit=JSON_LIMIT), "beyond a double, or longer"),
    ("a long fraction", lambda: filled(b"1", b'{"a":1.', b"}", limit=JSON_LIMIT), "beyond a double, or longer"),
    ("10^5 digits", lambda: b'{"a": %s}' % (b"1" * 100_000), "has 100000 digits; at most 40"),
    ("minus 10^5 digits", lambda: b'{"a": -%s}' % (b"1" * 100_000), "has 100001 digits"),
    ("2^128 as a schema", lambda: sound(state={**SOUND["state"], "schema": 1 << 128}), "state.schema is 340282"),
    ("floats", lambda: filled(b"1e9,", b"[", b"0]", limit=159_000), "expected an object"),
    ("integers", lambda: filled(b"1,", b"[", b"0]", limit=JSON_LIMIT), "commas; at most 40000"),
    ("half a pair", lambda: b'{"a": "\\ud800"}', "half of a surrogate pair"),
    ("half a pair as a key", lambda: b'{"\\uDFFF": 1}', "half of a surrogate pair"),
    ("halves in the deep", lambda: filled(b"[],", b'["\\ud800",', b"0]", limit=29_000), "half of a surrogate"),
    ("NUL", lambda: b'{"a": "\x00"}', "is not a descriptor: Invalid control character"),
    ("NUL by an escape", lambda: sound(name="a\0b"), "has the name 'a\\x00b'"),
    ("a byte order mark", lambda: b"\xef\xbb\xbf{}", "is not a descriptor: Unexpected UTF-8 BOM"),
    ("UTF-16", lambda: sound().decode().encode("utf-16"), "is not UTF-8: byte 0xff at offset 0"),
    ("bad UTF-8", lambda: sound() + b"\xff", "is not UTF-8: byte 0xff at offset"),
    ("a surrogate in UTF-8", lambda: b'"\xed\xa0\x80"', "is not UTF-8: byte 0xed at offset 1"),
    ("overlong UTF-8", lambda: b'"\xc0\xaf"', "is not UTF-8: byte 0xc0"),
    ("two values", lambda: b"{}{}", "Extra data"),
    ("a comma too many", lambda: b'{"a": 1,}', "is not a descriptor"),
    ("other types", lambda: json.dumps({key: [] for key in SOUND}).encode(), "$.abi: 0 elements instead of 2"),
    ("10,000 empty tables", lambda: sound(provides=[{}] * 9_000), "and many more"),
    ("one interface again and again", lambda: sound(provides=SOUND["provides"] * 300), "gain is provided twice"),
    ("structs in a circle", lambda: sound(structs=CHAIN), "structs contain themselves"),
    ("a struct in itself", lambda: with_fields([{**FIELD, "type": "pair"}]), "contain themselves: pair in pair"),
    ("a name of 16 KB", lambda: with_fields([FIELD] * 2_800, name="x" * 16_000), "has the name 'xxx"),
    ("a name of 1 MB", lambda: sound(name="x" * MEBI), "has more than 262144 bytes"),
    ("requirements", lambda: sound(requires=[_required(i, "^1.2") for i in range(2_900)]), "has 2900 requirements"),
    ("ranges", lambda: sound(requires=[_required(i, "^1||" * 60 + "^1") for i in range(32)]), READ),
    ("as many functions as fit", lambda: with_functions(340), READ),
    ("as many, and one lie", lambda: with_functions(340, bytes=0), "gain has 0 bytes"),
    ("as many, all lies", lambda: with_functions(340, version=[0, 0]), "f0 is since 1.0"),
    ("parameters", lambda: _parameters(1_800), "two parameters are called n"),
    ("pointers of pointers", lambda: of_type("i32" + "*" * 16_000), "is not known"),
    ("arrays of arrays", lambda: of_type("i32" + "[1]" * 5_300), "is not known"),
    ("arrays of nothing", lambda: of_type("i32" + "[0]" * 5_300), "is not known"),
    ("an array beyond memory", lambda: of_type("i32" + "[999999999]" * 1_400), "is not known"),
    ("call-backs in call-backs", lambda: of_type("(" * 16_000), "is not known"),
    ("call-backs of call-backs", lambda: of_type("i32(*)(" * 2_200), "is not known"),
    ("consts", lambda: of_type("const " * 2_600 + "i32"), "is not known"),
    ("features", lambda: sound(features=[f"f{i}" for i in range(19_000)]), "has 19000 features; they end at 256"),
    ("permissions for a terminal", lambda: sound(permissions=[ESCAPES]), "a permission has the name"),
    ("a name for a terminal", lambda: sound(name=ESCAPES), "the plugin has the name"),
    ("a key for a terminal", lambda: json.dumps({**SOUND, ESCAPES: 1}).encode(), "is unknown"),
    ("a struct for a terminal", lambda: with_fields([], name=ESCAPES, size=-1), "has -1 bytes"),
    (
        "an interface for a terminal",
        lambda: sound(provides=[{**SOUND["provides"][0], "interface": ESCAPES}]),
        "has the name",
    ),
    ("a type for a terminal", lambda: of_type(ESCAPES), "is not known"),
    ("a version for a terminal", lambda: sound(version=ESCAPES), "is not a SemVer"),
)


def _required(number: int, wanted: str) -> dict[str, Any]:
    return {"interface": f"a{number}", "range": wanted, "optional": False}


def _parameters(count: int) -> bytes:
    function = {**FUNCTION, "parameters": [parameter("n", "u64")] * count}
    return sound(provides=[{**SOUND["provides"][0], "functions": [function]}])


# --- TOML: what a manifest and settings have in common ---

TOML: Final[tuple[Row, ...]] = (
    ("100 MB", lambda: b"# " + b"x" * (100 * MEBI), "has more than 131072 bytes"),
    ("one byte too many", lambda: b"#".ljust(TOML_LIMIT + 1), "has more than 131072 bytes"),
    ("arrays 10,000 deep", lambda: b"a = " + b"[" * 10_000, "is nested deeper than 32"),
    ("tables 10,000 deep", lambda: b"a = " + b"{a = " * 10_000, "is nested deeper than 32"),
    ("33 deep", lambda: b"a = " + b"[" * 33 + b"]" * 33, "is nested deeper than 32"),
    ("a key path 10,000 deep", lambda: b"[" + b"a." * 10_000 + b"a]", "has a key path deeper than 32"),
    ("a key path of quotes", lambda: b'"a".' * 20_000 + b"a = 1", "has a key path deeper than 32"),
    ("a key path of empty keys", lambda: b"''." * 20_000 + b"'' = 1", "has a key path deeper than 32"),
    ("dotted keys", lambda: _dotted(b"%s.k%d = 1\n", 155), "unknown key"),
    ("dotted keys and more", lambda: _dotted(b"%s.k%d = 1\n", 500), "more than 5000 dots"),
    ("dotted tables", lambda: _dotted(b"[%s.k%d]\n", 155), "unknown key"),
    ("dotted keys in line", lambda: numbered(b"b.c.d%d=1,", b"a={", b"z=1}", limit=TOML_LIMIT, most=1_900), "unknown"),
    ("a text without an end", lambda: filled(b'\\"', b'a = "', limit=19_000), "Unterminated string"),
    ("half quotes", lambda: b"'''a\"\"\"" * 18_000, "at line"),
    ("quotes", lambda: b'"' * TOML_LIMIT, "Expected '=' after a key"),
    ("single quotes", lambda: b"'" * TOML_LIMIT, "Expected '=' after a key"),
    ("backslashes", lambda: filled(b"\\\\", b'a = "', b'"', limit=TOML_LIMIT), "backslashes; at most 10000"),
    ("escapes", lambda: b'a = "' + b"\\n" * 9_990 + b'"', "unknown key"),
    ("lines that go on", lambda: b'a = """' + b"\\\n" * 9_990 + b'"""', "unknown key"),
    ("one text", lambda: filled(b"x", b'a = "', b'"', limit=TOML_LIMIT), "unknown key"),
    ("one text of quotes", lambda: filled(b'x"', b'a = """', b'x"""', limit=TOML_LIMIT), "unknown key"),
    ("one text of single quotes", lambda: filled(b"x'", b"a = '''", b"x'''", limit=TOML_LIMIT), "unknown key"),
    ("five quotes at an end", lambda: b'a = """x"""""\n' + b"b = " + b"[" * 10_000, "is nested deeper than 32"),
    ("brackets in a text", lambda: filled(b"[", b"a = '", b"'", limit=TOML_LIMIT), "unknown key"),
    ("keys", lambda: numbered(b"k%d=1\n", b"[t]\n", limit=TOML_LIMIT), "lines; at most 10000"),
    (
        "a million keys",
        lambda: numbered(b"k%x=1\n", b"[t]\n", limit=20 * MEBI, most=1_000_000),
        "has more than 131072 bytes",
    ),
    ("keys on one line", lambda: numbered(b"k%d=1,", b"t={", b"z=1}", limit=TOML_LIMIT), "more than 4000 entries"),
    ("keys within", lambda: numbered(b"k%d=1\n", limit=TOML_LIMIT, most=3_990), "unknown key"),
    ("tables", lambda: numbered(b"[t%d]\n", limit=TOML_LIMIT, most=1_990), "unknown key"),
    ("an array of tables", lambda: b"[[t]]\n" * 990, "unknown key"),
    ("10^5 empty tables", lambda: b"a = [" + b"{}," * 100_000 + b"]", "has more than 131072 bytes"),
    ("empty tables", lambda: b"a = [" + b"{}," * 40_000 + b"]", "more than 4000 entries"),
    ("numbers", lambda: b"a = [" + b"1," * 60_000 + b"]", "more than 4000 entries"),
    ("dates", lambda: b"a = [" + b"1979-05-27T07:32:00.999999Z," * 3_900 + b"]", "unknown key"),
    ("10^5 digits", lambda: b"a = " + b"1" * 100_000, "more than 128 characters: 1111"),
    ("digits with bars", lambda: filled(b"_1", b"a = 1", limit=TOML_LIMIT), "more than 128 characters: 1_1"),
    ("hexadecimal digits", lambda: filled(b"f", b"a = 0x", limit=TOML_LIMIT), "more than 128 characters: 0xff"),
    ("binary digits", lambda: filled(b"1", b"a = 0b", limit=TOML_LIMIT), "more than 128 characters: 0b11"),
    ("a long fraction", lambda: filled(b"1", b"a = 1.", limit=TOML_LIMIT), "more than 128 characters"),
    ("an exponent bomb", lambda: filled(b"9", b"a = 1e", limit=TOML_LIMIT), "more than 128 characters: 1e9"),
    ("a key of 128 KB", lambda: filled(b"k", b"", b" = 1", limit=TOML_LIMIT), "more than 128 characters: kkk"),
    ("a quoted key of 128 KB", lambda: filled(b"k", b"'", b"' = 1", limit=TOML_LIMIT), "unknown key"),
    ("words", lambda: filled(b"k" * 128 + b" ", limit=TOML_LIMIT), "Expected '=' after a key"),
    ("lines", lambda: b"\n" * TOML_LIMIT, "lines; at most 10000"),
    ("comments", lambda: b"#\n" * 9_990 + b"a = 1", "unknown key"),
    ("spaces", lambda: filled(b" ", b"a", b"= 1", limit=TOML_LIMIT), "unknown key"),
    ("a byte order mark", lambda: b"\xef\xbb\xbf" + HEAD, "begins with a byte order mark"),
    ("bad UTF-8", lambda: HEAD + b"# \xff", "is not UTF-8: byte 0xff at offset"),
    ("a surrogate in UTF-8", lambda: HEAD + b"# \xed\xa0\x80", "is not UTF-8: byte 0xed"),
    ("a surrogate by an escape", lambda: b'a = "\\ud800"', "not a Unicode scalar value"),
    ("NUL", lambda: b"a\x00 = 1", "(at line 1, column 2)"),
    ("NUL in a text", lambda: b"a = '\x00'", "invalid character '\\x00'"),
    ("UTF-16", lambda: HEAD.decode().encode("utf-16"), "is not UTF-8"),
    ("a key twice", lambda: b"a = 1\na = 2", "Cannot overwrite a value"),
    ("a table twice", lambda: b"[a]\n[a]", "Cannot declare"),
    ("a key twice in line", lambda: b"a = { b = 1, b = 2 }", "Duplicate inline table key 'b'"),
    ("a key twice by a path", lambda: b"a.b = 1\na.b.c = 2", "Cannot overwrite a value"),
    ("a long key twice", lambda: b"a={'%s'=1,'%s'=1}" % ((b"k" * 50_000,) * 2), "Duplicate inline table key 'kkk"),
    ("a key for a terminal", lambda: json.dumps(ESCAPES).encode() + b" = 1", "unknown key"),
    ("a value for a terminal", lambda: b"a = " + ESCAPES.encode(), "Invalid value"),
)


def _dotted(form: bytes, count: int) -> bytes:
    path = b".".join([b"a"] * 31)
    return b"".join(form % (path, i) for i in range(count))


MANIFESTS: Final[tuple[Row, ...]] = (
    *TOML,
    ("nothing", lambda: b"", "plugin: is missing"),
    ("mixed types", lambda: b"plugin = 1\nprovides = []\nrequires = 'x'\nstate = 1e9\ndrain = true", "plugin: must be"),
    ("1e999", lambda: HEAD + b"[drain]\ndeadline_s = 1e999", "drain.deadline_s: must lie above 0"),
    ("NaN", lambda: HEAD + b"[drain]\ndeadline_s = nan", "drain.deadline_s: must lie above 0"),
    ("2^400", lambda: HEAD + b"[drain]\ndeadline_s = 0x%s" % (b"f" * 100), "drain.deadline_s: must lie above 0"),
    ("NaN in a schema", lambda: HEAD + b"[config]\nschema = { a = [nan] }", "holds a date, a time or a number"),
    ("1e999 in a schema", lambda: HEAD + b"[config]\nschema = { a = 1e999 }", "a number that JSON has no form for"),
    (
        "2^400 in a schema",
        lambda: HEAD + b"[config]\nschema = { a = 0x%s }" % (b"f" * 100),
        "a number that JSON has no",
    ),
    (
        "requirements",
        lambda: HEAD + numbered(b"a%d='^1'\n", b"[requires]\n", limit=99_000, most=3_900),
        "requires: has 3900 entries",
    ),
    (
        "interfaces",
        lambda: HEAD + numbered(b"[provides.a%d]\n", limit=99_000, most=1_600),
        "provides: has 1600 entries",
    ),
    (
        "bad names",
        lambda: HEAD + numbered(b"A%d='^1'\n", b"[requires]\n", limit=99_000, most=32),
        "requires.A0: is no name",
    ),
    (
        "ranges",
        lambda: HEAD + numbered(b"a%d='" + b"^1||" * 60 + b"^1'\n", b"[requires]\n", limit=99_000, most=32),
        READ,
    ),
    ("features", lambda: HEAD + b"[offers]\nfeatures = [" + b"'x'," * 3_900 + b"]", "has 3900 entries; it ends at 256"),
    ("a feature twice", lambda: HEAD + b"[offers]\nfeatures = ['x', 'x']", "offers.features: 'x' stands twice"),
    ("a name of 1 MB", lambda: b"[plugin]\nname = '" + b"x" * MEBI + b"'", "has more than 131072 bytes"),
    ("a name of 100 KB", lambda: b"[plugin]\nname = '" + b"x" * 100_000 + b"'", "must be 1 to 4096 printable"),
    (
        "a name for a terminal",
        lambda: b"[plugin]\nname = " + json.dumps(ESCAPES).encode(),
        "must be 1 to 4096 printable",
    ),
    ("a version for a terminal", lambda: b"[plugin]\nversion = " + json.dumps(ESCAPES).encode(), "is not a SemVer"),
    ("a choice for a terminal", lambda: HEAD + b"[drain]\npins = " + json.dumps(ESCAPES).encode(), "is none of 'wait'"),
    ("all that fits", lambda: HEAD + filled(b"# x\n", limit=39_000), READ),
)
SETTINGS: Final[tuple[Row, ...]] = (
    *TOML,
    ("nothing", lambda: b"", READ),
    ("mixed types", lambda: b"host = 1\nrun = []\nplugins = 'x'", "plugins: must be a table, found a string"),
    ("1e999", lambda: b"[host]\nswap_deadline_s = 1e999", "swap_deadline_s is inf; it must be"),
    ("NaN", lambda: b"[host]\nswap_deadline_s = nan", "swap_deadline_s is nan; it must be"),
    ("2^400", lambda: b"[host]\nswap_deadline_s = 0x%s" % (b"f" * 100), "swap_deadline_s is "),
    ("a date", lambda: b"[host]\nprobe_memory_bytes = 1979-05-27", "probe_memory_bytes is datetime"),
    ("a table for a number", lambda: b"[host.swap_deadline_s]\na = 1", "swap_deadline_s is {"),
    ("a text for a terminal", lambda: b"[host]\nprobe = " + json.dumps(ESCAPES).encode(), "probe is "),
    ("a long text", lambda: b"[host]\nprobe = '" + b"x" * 100_000 + b"'", "probe is 'xxx"),
    ("a folder for a terminal", lambda: b"[host]\njournal = [" + json.dumps(ESCAPES).encode() + b"]", "journal is ["),
    ("settings", lambda: numbered(b"h%d = 1\n", b"[host]\n", limit=TOML_LIMIT, most=3_900), "host.h0: unknown key"),
    ("plugins", lambda: numbered(b"[plugins.a%d]\nimage='x'\n", limit=TOML_LIMIT, most=512), READ),
    ("bad names", lambda: numbered(b"[plugins.A%d]\n", limit=TOML_LIMIT, most=512), "is no name of the form"),
    ("more plugins", lambda: numbered(b"[plugins.a%d]\n", limit=TOML_LIMIT, most=1_300), "plugins: has 1300 entries"),
    ("instances", lambda: numbered(b"b%d={},", PLUGIN + b"instances={", b"z={}}", limit=99_000, most=255), READ),
    ("a config", lambda: PLUGIN + b"config = { a = [" + b"{}," * 1_300 + b"] }", READ),
    ("NaN in a config", lambda: PLUGIN + b"config = { a = nan }", "a number that JSON has no form for"),
    ("2^400 in a config", lambda: PLUGIN + b"config = { a = 0x%s }" % (b"f" * 100), "a number that JSON has no form"),
    ("grants", lambda: PLUGIN + b"grants = [" + b"'x'," * 3_900 + b"]", "has 3900 entries; it ends at 256"),
    ("a grant for a terminal", lambda: PLUGIN + b"grants = [" + json.dumps(ESCAPES).encode() + b"]", "is no name"),
)

READERS: Final[Mapping[str, tuple[Callable[[bytes], object], tuple[Row, ...]]]] = {
    "descriptor": (read_descriptor, DESCRIPTORS),
    "manifest": (read_manifest, MANIFESTS),
    "settings": (lambda data: read_settings(data, path="hotgraft.toml"), SETTINGS),
}
