"""The shape of a descriptor's JSON: keys and types, every violation of them, whatever the bytes are.

msgspec converts in one pass and stops at the first violation. That is the fast path; only where it fails are the
types walked here, key by key, so that an author sees the whole list.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

NESTING_LIMIT: Final = 64
SHOWN_LIMIT: Final = 1000  # violations; a list that nobody reads to its end need not be longer


def read_json(data: bytes) -> Any:
    """Return the JSON value in `data`.

    ValueError (or RecursionError): it is no JSON, a key stands twice, a number has no double, a text no UTF-8 form,
    or it is nested deeper than any descriptor.
    """
    value = json.loads(
        data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
    )
    _check_depth(value)
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in unique if names.count(name) > 1)
        raise ValueError(f"the key {twice[:64]!r} stands twice")
    return unique


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:32]} is beyond a double")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(NESTING_LIMIT):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"is nested deeper than {NESTING_LIMIT}")


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def shape_violations(value: Any, kind: type[msgspec.Struct]) -> list[str]:
    """Return where `value`, read from JSON, does not have the shape of `kind`, as ``path: sentence``."""
    found: list[str] = []
    for violation in _walk(value, msgspec.inspect.type_info(kind), "$"):
        found.append(violation)
        if len(found) == SHOWN_LIMIT:
            found.append("and more")
            break
    return found


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
    return f"{path}: expected {wanted}, found {json.dumps(value)[:64]}"
