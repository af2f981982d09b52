"""Sound files made wrong: bytes flipped, keys doubled, values of another type, subtrees repeated."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

TOML_READERS: Final = ("manifest", "settings")
CORPUS: Final = Path(__file__).parent / "corpus"
TEXTS: Final = (
    "",
    "x",
    "i32",
    "n",
    "a b",
    "0",
    "^1",
    "\0",
    "\x1b[2J",
    "\u202e",
    "é" * 40,
    "x" * 5_000,
    "(" * 90,
    "[1]" * 40,
)
NUMBERS: Final = (0, 1, -1, 2, 7, 8, 65_535, 65_536, (1 << 31) - 1, 1 << 32, (1 << 63) - 1, 1 << 64, -(1 << 63), 10**39)
VALUES: Final[tuple[Any, ...]] = (
    *TEXTS,
    *NUMBERS,
    0.5,
    1e308,
    -0.0,
    True,
    False,
    None,
    [],
    {},
    [[]],
    [0, 0],
    {"": ""},
    {"a": [None]},
)
TOML_VALUES: Final = (
    "''", '"x"', '"\\u001b[2J"', '"""\n"""', "'''x'''", "0", "-1", "0xffffffffffffffffffff", "1e999", "-inf", "nan",
    "0.5", "1979-05-27", "07:32:00", "true", "[]", "{}", "[[]]", "[{}, 1, 'x']", "{ a = { b = 1 } }", "{ a.b.c = 1 }",
    "[1, 2,", "{ a = 1, a = 2 }", "['x', 'x']", "=", "\x00", "'" + "x" * 5_000 + "'", "[" * 40 + "]" * 40,
    "-" + "9" * 120,
)  # fmt: skip
TOML_LINES: Final = (
    "[plugin]", "[[plugin]]", "[provides.gain]", "[provides.'é']", "[requires]", "[state]", "[config]", "[outputs]",
    "[offers]", "[drain]", "[host]", "[run]", "[plugins.gain]", "[plugins.gain.instances.a]", "[a.b.c]", "[", "x",
    "a.b = 1", "'' = 1", "# \u202e", "kind = 'single'", "schema = { a = [1] }", "image = 'x'", "grants = ['a']",
)  # fmt: skip


def sound_files(reader: str) -> list[bytes]:
    """Return the kept files of a reader, the same ones that the coverage-guided target begins with."""
    return [path.read_bytes() for path in sorted((CORPUS / reader).iterdir())]


# --- values ---


class Doubled(dict[str, Any]):
    """An object that is written with one of its keys twice."""


def mutated_value(value: Any, random: Random) -> Any:
    """Return a copy of a JSON value with one thing wrong in it."""
    changed = {"": copy.deepcopy(value)}
    holder, key = random.choice([*_places(changed)])
    was = holder[key]
    kind = random.randrange(8)
    if kind == 0:
        holder[key] = copy.deepcopy(random.choice(VALUES))
    elif kind == 1 and isinstance(holder, dict):
        del holder[key]
    elif kind == 2 and isinstance(holder, dict):
        holder[random.choice(TEXTS)] = was
    elif kind == 3 and isinstance(was, list) and was:
        holder[key] = was * random.choice((2, 3, 40))
    elif kind == 4 and isinstance(was, dict):
        holder[key] = Doubled(was)
    elif kind == 5:
        holder[key] = [was] if random.random() < 0.5 else {"a": was}
    elif kind == 6 and isinstance(was, int | str):
        holder[key] = random.choice(NUMBERS if isinstance(was, int) else TEXTS)
    else:  # what stands elsewhere
        other, place = random.choice([*_places(changed)])
        holder[key] = copy.deepcopy(other[place])
    return changed.get("")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every holder and key within `value`."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def json_bytes(value: Any) -> bytes:
    """Write a value; a `Doubled` object with its first key at its end again."""
    if isinstance(value, dict):
        pairs = [*value.items()]
        pairs += pairs[:1] if isinstance(value, Doubled) else []
        return b"{%s}" % b",".join(json.dumps(key).encode() + b":" + json_bytes(inner) for key, inner in pairs)
    if isinstance(value, list):
        return b"[%s]" % b",".join(map(json_bytes, value))
    return json.dumps(value).encode()


# --- text and bytes ---


def mutated_toml(data: bytes, random: Random) -> bytes:
    """Return TOML with one line changed, moved, doubled, or given another value."""
    lines = data.decode().splitlines()
    at = random.randrange(len(lines)) if lines else 0
    kind = random.randrange(6)
    if kind == 0 and lines:
        lines[at] = re.sub(r"=.*", lambda _: f"= {random.choice(TOML_VALUES)}", lines[at], count=1)
    elif kind == 1:
        lines.insert(at, random.choice(TOML_LINES))
    elif kind == 2 and lines:
        lines.insert(random.randrange(len(lines) + 1), lines[at])
    elif kind == 3 and lines:
        del lines[at]
    elif kind == 4 and lines:
        lines[at : at + 1] = [lines[at]] * random.choice((2, 50))
    else:
        random.shuffle(lines)
    return "\n".join(lines).encode()


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Return bytes with a few of them flipped, put in, taken out or doubled."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(changed) + 1)
        until = at + random.choice((1, 1, 2, 16))
        kind = random.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            changed[at:at] = bytes(random.choices(b"\x00\x1b\xff\"\\{}[]:,.=\n'0e-", k=until - at))
        elif kind == 2:
            del changed[at:until]
        else:
            changed[at:at] = changed[at:until] * random.choice((1, 30))
    return bytes(changed)


def mutated_once(reader: str, data: bytes, random: Random) -> bytes:
    """Return a reader's file with one thing wrong in it; what is no such file, with bytes of it changed."""
    try:
        return (
            mutated_toml(data, random)
            if reader in TOML_READERS
            else json_bytes(mutated_value(json.loads(data), random))
        )
    except (ValueError, RecursionError):
        return mutated_bytes(data, random)


def mutated(reader: str, random: Random) -> bytes:
    """Return one of a reader's sound files with one to three things wrong in it."""
    data = random.choice(sound_files(reader))
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = mutated_once(reader, data, random)
    return mutated_bytes(data, random) if random.random() < 0.2 else data
