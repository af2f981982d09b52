"""What conversion by name means, written slowly: over plain values and `struct`, a field at a time.

Nothing of hotgraft is imported here, so that a mistake there cannot be made here as well. A type is

    "i32"                                   a number, by name
    ("enum", "i32", (("RED", 0), …))        its constants
    ("array", TYPE, count)
    ("struct", name, ((field, TYPE), …))    laid out as C does it
    ("union", name, ((field, TYPE), …))     its value is its bytes

and a value is an int, a float, a list, a dict by field, or bytes.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass, field
from typing import Any

FORMATS = {
    "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q", "bool": "B",
    "f32": "f", "f64": "d",
}  # fmt: skip


class NeedsConverterError(Exception):
    """No rule carries this; where."""


@dataclass
class Change:
    """What an author says about the step from one layout to the next, and what happened when it was taken."""

    renamed: dict[tuple[str, str], str] = field(default_factory=dict)  # (struct, new field) → old field
    defaults: dict[tuple[str, str], Any] = field(default_factory=dict)  # (struct, new field) → value
    old_defaults: dict[tuple[str, str], Any] = field(default_factory=dict)
    dropped: set[tuple[str, str]] = field(default_factory=set)  # (struct, old field), whole or "field[4:]"
    refused: list[str] = field(default_factory=list)  # fields whose value has no place, with their indices

    def back(self, old_names: dict[str, str]) -> Change:
        """Return the same for the way back; `old_names`: what a struct is called there, by its name here."""
        renamed = {(old_names[owner], before): name for (owner, name), before in self.renamed.items()}
        return Change(renamed=renamed, defaults=self.old_defaults, old_defaults=self.defaults)


# --- how it lies in memory ---


@functools.lru_cache(maxsize=10_000)
def size_and_align(kind: Any) -> tuple[int, int]:
    """Return both, in bytes."""
    if isinstance(kind, str):
        size = struct.calcsize("<" + FORMATS[kind])
        return size, size
    if kind[0] == "enum":
        return size_and_align(kind[1])
    if kind[0] == "array":
        size, align = size_and_align(kind[1])
        return size * kind[2], align
    align = max(size_and_align(inner)[1] for _, inner in kind[2])
    if kind[0] == "union":
        end = max(size_and_align(inner)[0] for _, inner in kind[2])
    else:
        last, inner = places(kind)[-1][1:]
        end = last + size_and_align(inner)[0]
    return -(-end // align) * align, align


@functools.lru_cache(maxsize=10_000)
def places(kind: Any) -> tuple[tuple[str, int, Any], ...]:
    """Return name, offset and type of each field of a struct."""
    found, at = [], 0
    for name, inner in kind[2]:
        size, align = size_and_align(inner)
        at = -(-at // align) * align
        found.append((name, at, inner))
        at += size
    return tuple(found)


def write(kind: Any, value: Any, into: bytearray, at: int) -> None:
    """Put a value where it lies; padding stays as it is."""
    if isinstance(kind, str):
        struct.pack_into("<" + FORMATS[kind], into, at, value)
    elif kind[0] == "enum":
        write(kind[1], value, into, at)
    elif kind[0] == "array":
        size = size_and_align(kind[1])[0]
        if isinstance(kind[1], str):
            struct.pack_into(f"<{len(value)}{FORMATS[kind[1]]}", into, at, *value)
            return
        for index, one in enumerate(value):
            write(kind[1], one, into, at + index * size)
    elif kind[0] == "union":
        into[at : at + len(value)] = value
    else:
        for name, offset, inner in places(kind):
            write(inner, value[name], into, at + offset)


def read(kind: Any, data: bytes | bytearray, at: int = 0) -> Any:
    """Return the value that lies there."""
    if isinstance(kind, str):
        return struct.unpack_from("<" + FORMATS[kind], data, at)[0]
    if kind[0] == "enum":
        return read(kind[1], data, at)
    size = size_and_align(kind)[0]
    if kind[0] == "union":
        return bytes(data[at : at + size])
    if kind[0] == "array":
        if isinstance(kind[1], str):
            return list(struct.unpack_from(f"<{kind[2]}{FORMATS[kind[1]]}", data, at))
        stride = size_and_align(kind[1])[0]
        return [read(kind[1], data, at + index * stride) for index in range(kind[2])]
    return {name: read(inner, data, at + offset) for name, offset, inner in places(kind)}


def default(kind: Any, defaults: dict[tuple[str, str], Any]) -> Any:
    """Return what a field holds that nobody has written yet."""
    if isinstance(kind, str):
        return 0.0 if kind[0] == "f" else 0
    if kind[0] == "enum":
        return 0
    if kind[0] == "array":
        return (
            [0.0 if kind[1][0] == "f" else 0] * kind[2]
            if isinstance(kind[1], str)
            else [default(kind[1], defaults) for _ in range(kind[2])]
        )
    if kind[0] == "union":
        return bytes(size_and_align(kind)[0])
    return {
        name: defaults[kind[1], name] if (kind[1], name) in defaults else default(inner, defaults)
        for name, inner in kind[2]
    }


# --- what becomes what ---


def convert(old: Any, new: Any, value: Any, change: Change) -> Any:
    """Return the state of the new layout; what has no place in it is noted in `change.refused`.

    Raises:
        NeedsConverterError: no rule carries a field.
    """
    return _convert(old, new, value, change, "", (None, None))


def _convert(old: Any, new: Any, value: Any, change: Change, path: str, owners: tuple[Any, Any]) -> Any:
    if _is_number(old) and _is_number(new):
        return _number(old, new, value, change, path)
    if isinstance(old, str) or isinstance(new, str) or old[0] != new[0]:
        raise NeedsConverterError(path)
    if old[0] == "array":
        return _array(old, new, value, change, path, owners)
    if old[0] == "union":
        if old[2] != new[2]:
            raise NeedsConverterError(path)
        return value
    if old[0] == "struct":
        return _struct(old, new, value, change, path)
    raise NeedsConverterError(path)


def _struct(old: Any, new: Any, value: Any, change: Change, path: str) -> Any:
    there = dict(old[2])
    sources = _sources(old, new, change)
    made = {}
    for name, inner in new[2]:
        if name in sources:
            source = sources[name]
            where = f"{path}.{name}" if path else name
            made[name] = _convert(
                there[source], inner, value[source], change, where, ((old[1], source), (new[1], name))
            )
        else:
            made[name] = default(("struct", new[1], ((name, inner),)), change.defaults)[name]
    return made


def _sources(old: Any, new: Any, change: Change) -> dict[str, str]:
    """Return which field of the old struct each of the new comes from: first by the name it had, then by its own."""
    there = {name for name, _ in old[2] if (old[1], name) not in change.dropped}
    before = {name: change.renamed.get((new[1], name)) for name, _ in new[2]}
    found = {name: one for name, one in before.items() if one in there}
    taken = {*found.values()}
    return found | {name: name for name, _ in new[2] if name not in found and name in there and name not in taken}


def _array(old: Any, new: Any, value: Any, change: Change, path: str, owners: tuple[Any, Any]) -> Any:
    kept = min(old[2], new[2])
    inner = [
        _convert(old[1], new[1], one, change, f"{path}[{at}]", (None, None)) for at, one in enumerate(value[:kept])
    ]
    if new[2] > kept:
        whole = change.defaults.get(owners[1], default(new, change.defaults))
        return inner + whole[kept:]
    owner, name = owners[0] or ("", "")
    if (owner, f"{name}[{kept}:]") in change.dropped:
        return inner
    if old[1] == new[1] == "i8":
        if old[2] > kept and 0 not in value[:kept]:
            change.refused.append(path)
        return inner
    wanted = change.old_defaults.get(owners[0], default(old, change.old_defaults))
    for at in range(kept, old[2]):
        change.refused += differences(old[1], value[at], wanted[at], f"{path}[{at}]")
    return inner


def _number(old: Any, new: Any, value: Any, change: Change, path: str) -> Any:
    if not isinstance(old, str) and not isinstance(new, str):
        constants = dict(new[2])
        if any(constants.get(name, constant) != constant for name, constant in old[2]):
            raise NeedsConverterError(path)
        if value in {constant for _, constant in old[2]} - {*constants.values()}:
            change.refused.append(path)
    source, target = _scalar(old), _scalar(new)
    if source == target:
        return value
    if (source[0] == "f") != (target[0] == "f"):
        raise NeedsConverterError(path)
    low, high = (0, 1) if target == "bool" else (None, None)
    try:
        packed = struct.pack("<" + FORMATS[target], value)
    except (struct.error, OverflowError):
        packed = None
    if packed is None or (low is not None and not low <= value <= high):
        change.refused.append(path)
        return 0
    return struct.unpack("<" + FORMATS[target], packed)[0]


def without_place(old: Any, new: Any, change: Change, path: str = "") -> tuple[set[str], set[str]]:
    """Return the fields of the old layout that have no place in the new, and which of them were given up on purpose.

    Elements of an array are not told apart: ``bands[].gain``. A part of an array that was given up ends with ``[4:]``.
    """
    lost: set[str] = set()
    given_up: set[str] = set()
    if _is_number(old) or _is_number(new) or old[0] != new[0] or old[0] not in ("array", "struct"):
        return lost, given_up
    if old[0] == "array":
        return without_place(old[1], new[1], change, f"{path}[]")
    fields = dict(new[2])
    places_of = {source: name for name, source in _sources(old, new, change).items()}
    for name, inner in old[2]:
        where = f"{path}.{name}" if path else name
        is_dropped = (old[1], name) in change.dropped
        if name not in places_of:
            (given_up if is_dropped else lost).add(where)
            continue
        target = fields[places_of[name]]
        where = f"{path}.{places_of[name]}" if path else places_of[name]
        more_lost, more_given_up = without_place(inner, target, change, where)
        lost |= more_lost
        given_up |= more_given_up
        if not _is_number(inner) and inner[0] == "array" and not _is_number(target) and target[0] == "array":
            tail = f"[{target[2]}:]"
            given_up |= {where + tail} if inner[2] > target[2] and (old[1], name + tail) in change.dropped else set()
    return lost, given_up


def differences(kind: Any, one: Any, other: Any, path: str) -> list[str]:
    """Return the paths at which two values differ in their bytes; a union as a whole."""
    if not _is_number(kind) and kind[0] == "array":
        return [path_ for at in range(kind[2]) for path_ in differences(kind[1], one[at], other[at], f"{path}[{at}]")]
    if not _is_number(kind) and kind[0] == "struct":
        return [
            path_ for name, inner in kind[2] for path_ in differences(inner, one[name], other[name], f"{path}.{name}")
        ]
    return [] if image(kind, one) == image(kind, other) else [path]


def image(kind: Any, value: Any) -> bytes:
    """Return a value's bytes, its padding zero: two values are the same where these are (so nan is nan)."""
    data = bytearray(size_and_align(kind)[0])
    write(kind, value, data, 0)
    return bytes(data)


def known_to_both(old: Any, new: Any, value: Any, change: Change) -> Any:
    """Return a value of the old layout as it must come back from the new: what only the old knows is its default."""
    if _is_number(old):
        rounds = _scalar(old) == "f64" and _scalar(new) == "f32"
        return struct.unpack("<f", struct.pack("<f", value))[0] if rounds else value
    if old[0] == "array":
        kept = min(old[2], new[2])
        rest = default(old, change.old_defaults)[kept:]
        return [known_to_both(old[1], new[1], one, change) for one in value[:kept]] + rest
    if old[0] == "union":
        return value
    kinds = dict(new[2])
    after = {source: kinds[name] for name, source in _sources(old, new, change).items()}
    made = default(old, change.old_defaults)
    for name, inner in old[2]:
        if name in after:
            made[name] = known_to_both(inner, after[name], value[name], change)
        elif name in kinds and name not in _sources(old, new, change):  # given up on the way up, and back by its name
            again = default(new, change.defaults)[name]
            made[name] = convert(kinds[name], inner, again, Change(defaults=change.old_defaults))
    return made


def _is_number(kind: Any) -> bool:
    return isinstance(kind, str) or kind[0] == "enum"


def _scalar(kind: Any) -> str:
    return kind if isinstance(kind, str) else kind[1]
