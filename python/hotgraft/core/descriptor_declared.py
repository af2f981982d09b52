"""What a descriptor's field says for states, and whether it can be true: its count, its tag, its arm, a handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.descriptor import Field, Struct
    from hotgraft.core.descriptor_types import KnownTypes

__all__ = ["declared_violations"]

RANGES: Final = {
    f"{sign}{bits}": (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (8, 16, 32, 64)
}
HANDLE: Final = "u64"


def declared_violations(where: str, kind: str, struct: Struct, field: Field, known: KnownTypes) -> Iterator[str]:
    """Yield what a field of a struct or union (`kind`) declares and cannot be."""
    if field.counted:
        yield from _counted(where, kind, struct, field, known)
    if field.tag:
        yield from _tagged(where, kind, struct, field, known)
    if field.when is not None and kind != "union":
        yield f"{where}: is alive by a tag, and stands in no union"
    if field.handle and field.type != HANDLE:
        yield f"{where}: is a handle of type {field.type[:64]!r}; a handle is a {HANDLE}"


def _counted(where: str, kind: str, struct: Struct, field: Field, known: KnownTypes) -> Iterator[str]:
    if kind != "struct" or field.shares or field.count != 1 or not known.pointed_size(field.type):
        yield f"{where}: is counted, and is no pointer of a struct to elements that are described"
    scalar = _scalar_of(struct, field.counted, field, known, enums=False)
    if scalar not in RANGES:
        yield f"{where}: its count {field.counted[:64]!r} is no integer beside it"


def _tagged(where: str, kind: str, struct: Struct, field: Field, known: KnownTypes) -> Iterator[str]:
    union = known.unions.get(field.type)
    if kind != "struct" or field.shares or field.count != 1 or union is None:
        yield f"{where}: has a tag, and is no union with a name in a struct"
        return
    scalar = _scalar_of(struct, field.tag, field, known, enums=True)
    if scalar not in RANGES:
        yield f"{where}: its tag {field.tag[:64]!r} is no integer or enum beside it"
        return
    least, most = RANGES[scalar]
    met: dict[int, str] = {}
    for arm in union.fields:
        if arm.when is None or not least <= arm.when <= most:
            yield f"{where}: {arm.name[:64]} of union {field.type} is alive by no value of its tag"
        elif arm.when in met:
            yield f"{where}: {arm.when} means {met[arm.when][:64]} and {arm.name[:64]} of union {field.type}"
        else:
            met[arm.when] = arm.name


def _scalar_of(struct: Struct, name: str, field: Field, known: KnownTypes, *, enums: bool) -> str:
    """Return the scalar that a field beside another is; empty: there is no such field, or it is something else."""
    one = next((one for one in struct.fields if one.name == name and one is not field), None)
    if one is None or one.count != 1 or one.shares or one.counted or one.handle:
        return ""
    enum = known.enums.get(one.type) if enums else None
    return enum.type if enum is not None else one.type
