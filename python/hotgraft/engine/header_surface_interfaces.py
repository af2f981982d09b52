"""Interface structs in C headers: their functions with what the annotations beside them say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, FunctionType, Pointer, Scalar
from hotgraft.core.surface import Function, Interface, Parameter
from hotgraft.engine.header_c import is_call_back
from hotgraft.engine.header_parse import parse_header
from hotgraft.engine.header_tokens import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotgraft.core.c_types import CType
    from hotgraft.core.surface import Direction, Member, Record, Tag, TypeFacts
    from hotgraft.engine.header_declare import Declared
    from hotgraft.engine.header_tokens import Token

__all__ = ["ANNOTATIONS", "find_interfaces", "is_interface"]

# What hotgraft/interface.h makes nothing of for a compiler; they are kept as words for us.
ANNOTATIONS: Final = (
    "HOTGRAFT_IN", "HOTGRAFT_OUT", "HOTGRAFT_INOUT", "HOTGRAFT_NULLABLE", "HOTGRAFT_SINCE", "HOTGRAFT_BLOCKING",
    "HOTGRAFT_IDEMPOTENT", "HOTGRAFT_COPIED", "HOTGRAFT_OWNED", "HOTGRAFT_LEASED", "HOTGRAFT_SERIAL",
    "HOTGRAFT_REALTIME",
)  # fmt: skip
_DIRECTIONS: Final[Mapping[str, Direction]] = {"HOTGRAFT_IN": "in", "HOTGRAFT_OUT": "out", "HOTGRAFT_INOUT": "inout"}
_TAGS: Final[Mapping[str, Tag]] = {
    "HOTGRAFT_BLOCKING": "blocking", "HOTGRAFT_IDEMPOTENT": "idempotent",
    "HOTGRAFT_SERIAL": "serial", "HOTGRAFT_REALTIME": "realtime",
}  # fmt: skip


def is_interface(facts: TypeFacts) -> bool:
    """Does it begin with its size, and is the rest functions that take the object first?"""
    members: Sequence[Member] = getattr(facts, "members", ())
    head, rest = members[:1], members[1:]
    return (
        bool(head) and bool(rest)
        and head[0].name == "struct_size" and head[0].type == Scalar("u32")
        and all(_function(one) is not None for one in rest)
    )  # fmt: skip


def _function(member: Member) -> FunctionType | None:
    kind = member.type.to if isinstance(member.type, Pointer) else None
    return kind if isinstance(kind, FunctionType) and kind.parameters[:1] == (Pointer(VOID),) else None


def find_interfaces(
    types: Mapping[str, TypeFacts], own: Iterable[str], tokens: Sequence[Token], statuses: set[tuple[str, str]]
) -> tuple[Interface, ...]:
    """Return the interfaces among the headers' own types, in order of their names.

    Args:
        tokens: of the headers, with the annotations.
        statuses: struct and member of each function that answers a hotgraft_status.
    """
    found = {name: types[name] for name in own if name in types and is_interface(types[name])}
    if not found:
        return ()
    parsed = {one.name: one for one in parse_header(Header("", tuple(tokens), {}), [])}
    interfaces = []
    for name, facts in sorted(found.items()):
        record: Record = facts  # type: ignore[assignment] # is_interface: it has members
        members = {one.name: one for one in parsed[name].members} if name in parsed else {}
        functions = tuple(
            _read(one, kind, members.get(one.name), is_status=(name, one.name) in statuses)
            for one in record.members[1:]
            if (kind := _function(one)) is not None
        )
        interfaces.append(Interface(name=name, version=None, bytes=record.bytes, functions=functions))
    return tuple(interfaces)


def _read(member: Member, kind: FunctionType, parsed: Declared | None, *, is_status: bool) -> Function:
    passed = kind.parameters[1:]
    declared = parsed.parameters[1:] if parsed is not None and parsed.parameters else ()
    said = parsed.annotations if parsed is not None else {}
    names = [one.name for one in declared]
    parameters = tuple(
        _parameter(at, passed, declared[at] if at < len(declared) else None, names) for at in range(len(passed))
    )
    leased = said.get("HOTGRAFT_LEASED")
    return Function(
        name=member.name,
        parameters=parameters,
        result=kind.result,
        is_status=is_status,
        ownership="leased" if leased is not None else "owned" if "HOTGRAFT_OWNED" in said
        else "copied" if "HOTGRAFT_COPIED" in said else None,
        count=_count(leased[0], names) if leased else None,
        is_nullable="HOTGRAFT_NULLABLE" in said,
        is_variadic=kind.is_variadic,
        offset=member.offset_bits // 8,
        since=_version(said.get("HOTGRAFT_SINCE", ())),
        tags=frozenset(tag for word, tag in _TAGS.items() if word in said),
    )  # fmt: skip


def _parameter(at: int, kinds: Sequence[CType], declared: Declared | None, names: Sequence[str]) -> Parameter:
    kind, before = kinds[at], kinds[at - 1] if at else VOID
    said = declared.annotations if declared is not None else {}
    word = next((one for one in _DIRECTIONS if one in said), "")
    is_user_pointer = kind == Pointer(VOID) and not word and is_call_back(before)  # `bind_passed` takes it so too
    return Parameter(
        name=declared.name if declared is not None else "",
        type=kind,
        direction=_DIRECTIONS.get(word),
        count=_count(said[word][0], names) if word and said[word] else None,
        is_nullable="HOTGRAFT_NULLABLE" in said or is_user_pointer,
    )


def _count(text: str, names: Sequence[str]) -> str:
    return f"#{names.index(text)}" if text in names else str(int(text)) if text.isascii() and text.isdigit() else text


def _version(words: Sequence[str]) -> tuple[int, int] | None:
    if len(words) != 2 or not all(one.isascii() and one.isdigit() for one in words):
        return None
    return int(words[0]), int(words[1])
