"""The shape of a descriptor's JSON: keys and types, every violation of them, whatever the bytes are.

msgspec converts in one pass and stops at the first violation. That is the fast path; only where it fails are the
types walked here, key by key, so that an author sees the whole list.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_LIMIT: Final = 256 << 10  # bytes
NESTING_LIMIT: Final = 64
NESTED_LIMIT: Final = 10_000  # objects and arrays
COMMAS_LIMIT: Final = 40_000  # and so values
TEXTS_LIMIT: Final = 20_000  # texts and keys
TEXT_LIMIT: Final = 16 << 10  # bytes of one text: with it every sentence about what it is in grows
TEXT_OF_FLOAT_LIMIT: Final = 400  # the longest double, written out, has 327 characters
DIGITS_LIMIT: Final = 40  # of an integer: more than 64 bits, so that one beyond them is told by its place
SHOWN_LIMIT: Final = 200  # violations; a list that nobody reads to its end need not be longer

# Nothing is given back (*+), and a text without an end is one token: linear, whatever the bytes are.
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)).difference(_STEP))


def read_json(data: bytes) -> Any:
    """Return the JSON value in `data`.

    ValueError: it is too long, no JSON, a key stands twice, a number has no double or more digits than any has, a text
    has no UTF-8 form, or it is nested deeper than any descriptor. The limits keep a reading below 100 ms and 64 MB.
    """
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"has more than {SIZE_LIMIT} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}") from None
    _check_size(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_short,
        )
    except RecursionError:  # the caller stands deep already
        raise ValueError("is nested too deep to be read from here") from None
    if "\\u" in text:  # the one way in which half of a surrogate pair comes in
        _check_surrogates(value)
    return value


def _check_size(data: bytes) -> None:
    """Raise ValueError for a text that is too long and for brackets that go too deep: before anything is made of it."""
    texts = _TEXT.findall(data)
    if len(texts) > TEXTS_LIMIT:
        raise ValueError(f"holds {len(texts)} texts and keys; at most {TEXTS_LIMIT} are read")
    longest = max(map(len, texts), default=0)
    if longest > TEXT_LIMIT + 2:
        raise ValueError(f"holds a text of {longest - 2} bytes; at most {TEXT_LIMIT} are read")
    bare = _TEXT.sub(b"", data)
    if (commas := bare.count(b",")) > COMMAS_LIMIT:
        raise ValueError(f"holds {commas} commas; at most {COMMAS_LIMIT} are read")
    brackets = bare.translate(None, delete=_NO_BRACKETS)
    if len(brackets) > 2 * NESTED_LIMIT:
        raise ValueError(f"holds more than {NESTED_LIMIT} objects and arrays")
    if max(itertools.accumulate(map(_STEP.__getitem__, brackets)), default=0) > NESTING_LIMIT:
        raise ValueError(f"is nested deeper than {NESTING_LIMIT}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {name[:64]!r} stands twice")
            seen.add(name)
    return unique


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    if len(text) > TEXT_OF_FLOAT_LIMIT or not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:32]} is beyond a double, or longer than any")
    return value


def _short(text: str) -> int:
    if len(text) > DIGITS_LIMIT:
        raise ValueError(f"{text[:32]}… has {len(text)} digits; at most {DIGITS_LIMIT} are read")
    return int(text)


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None


def shape_violations(value: Any, kind: type[msgspec.Struct]) -> list[str]:
    """Return where `value`, read from JSON, does not have the shape of `kind`, as ``path: sentence``."""
    found: list[str] = []
    for violation in _walk(value, _shape_of(kind), "$"):
        found.append(violation)
        if len(found) == SHOWN_LIMIT:
            break
    return found


@functools.cache
def _shape_of(kind: type[msgspec.Struct]) -> msgspec.inspect.Type:
    return msgspec.inspect.type_info(kind)  # ten milliseconds


def _walk(value: Any, kind: msgspec.inspect.Type, path: str) -> Iterator[str]:
    if isinstance(kind, msgspec.inspect.StructType):
        yield from _struct(value, kind, path)
    elif isinstance(kind, msgspec.inspect.DictType):
        if not isinstance(value, dict):
            yield _expected("an object", value, path)
            return
        for key, inner in value.items():
            yield from _walk(inner, kind.value_type, f"{path}.{key[:64]}")
    elif isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.TupleType):
        yield from _array(value, kind, path)
    elif isinstance(kind, msgspec.inspect.UnionType):
        if all([*_walk(value, one, path)] for one in kind.types):
            yield _expected(" or ".join(_wanted(one) for one in kind.types), value, path)
    elif not _is_scalar(value, kind):
        yield _expected(_wanted(kind), value, path)


def _struct(value: Any, kind: msgspec.inspect.StructType, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _expected("an object", value, path)
        return
    names = {field.encode_name: field for field in kind.fields}
    missing = (name for name, field in names.items() if field.required and name not in value)
    yield from (f"{path}: the key {name!r} is missing" for name in missing)
    yield from (f"{path}: the key {name[:64]!r} is unknown" for name in value if name not in names)
    for name, field in names.items():
        if name in value:
            yield from _walk(value[name], field.type, f"{path}.{name}")


def _array(value: Any, kind: msgspec.inspect.VarTupleType | msgspec.inspect.TupleType, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield _expected("an array", value, path)
        return
    if isinstance(kind, msgspec.inspect.TupleType):
        if len(value) != len(kind.item_types):
            yield f"{path}: {len(value)} elements instead of {len(kind.item_types)}"
        pairs = zip(value, kind.item_types, strict=False)
    else:
        pairs = ((inner, kind.item_type) for inner in value)  # type: ignore[assignment] # the same pairs, lazily
    for index, (inner, inner_kind) in enumerate(pairs):
        yield from _walk(inner, inner_kind, f"{path}[{index}]")


def _is_scalar(value: Any, kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.LiteralType):
        return isinstance(value, str) and value in kind.values
    if isinstance(kind, msgspec.inspect.NoneType):
        return value is None
    if isinstance(kind, msgspec.inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, msgspec.inspect.IntType):
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, msgspec.inspect.FloatType):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(kind, msgspec.inspect.AnyType) or isinstance(value, str)


def _wanted(kind: msgspec.inspect.Type) -> str:
    if isinstance(kind, msgspec.inspect.LiteralType):
        return "one of " + ", ".join(repr(one) for one in kind.values)
    names = {
        msgspec.inspect.NoneType: "null",
        msgspec.inspect.BoolType: "true or false",
        msgspec.inspect.IntType: "a whole number",
    }
    return names.get(type(kind), "a string")


def _expected(wanted: str, value: Any, path: str) -> str:
    if isinstance(value, dict | list):
        return f"{path}: expected {wanted}, found {'an object' if isinstance(value, dict) else 'an array'}"
    return f"{path}: expected {wanted}, found {json.dumps(value)[:64]}"
