"""A plugin's first source for an interface that exists already: every function is there, and says that it is not yet.

What an author fills in is the body of each function. One that answers a status answers HOTGRAFT_E_UNSUPPORTED until
then, so that a caller can tell; one that answers a value answers 0, and a comment says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import BindError
from hotgraft.engine.header_parse import parse_header
from hotgraft.engine.header_tokens import read_header

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.engine.header_parse import Declared, DeclaredStruct, Member

__all__ = ["Offered", "interface_refusal", "read_interfaces", "source_parts"]

LINE_WIDTH: Final = 110

_STRUCT_NAME: Final = re.compile(r"([a-z][a-z0-9_]{0,62})_v([0-9]+)")
_GUARD: Final = re.compile(r"^[ \t]*#[ \t]*(ifndef|pragma[ \t]+once)\b", re.MULTILINE)
_LOCAL_INCLUDE: Final = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Offered:
    """An interface of the header: its name, its version, its struct."""

    interface: str
    version: tuple[int, int]
    struct: DeclaredStruct

    @property
    def functions(self) -> tuple[Member, ...]:
        """What follows struct_size."""
        return self.struct.members[1:]


def read_interfaces(text: str, path: Path) -> tuple[Offered, ...]:
    """Return the interfaces that a header declares: structs ``<interface>_v<major>`` that begin with struct_size.

    Raises:
        BindError: it declares none, or needs headers that stand beside it.
    """
    complaints: list[str] = [
        f"it includes {name!r}, which stands beside it and would not be there in the new folder"
        for name in _LOCAL_INCLUDE.findall(text)
        if not name.startswith("hotgraft/")
    ]
    if not _GUARD.search(text):
        complaints.append(
            "it has no include guard, and a plugin includes it twice: #ifndef and #define, or #pragma once"
        )
    structs = parse_header(read_header(text.encode(), path.name, {}, complaints), complaints)
    offered = [found for found in map(_offered, structs) if found is not None]
    if not offered:
        complaints.append("it declares no interface: typedef struct <name>_v1 { uint32_t struct_size; … } <name>_v1;")
    if complaints:
        raise interface_refusal(str(path), complaints)
    return tuple(offered)


def interface_refusal(path: str, found: list[str]) -> BindError:
    """Return the error for a header that no plugin can be begun from."""
    return BindError("begin a plugin from the interface", on=path, found=found, running="nothing was written")


def _offered(struct: DeclaredStruct) -> Offered | None:
    named = _STRUCT_NAME.fullmatch(struct.name)
    first = struct.members[0] if struct.members else None
    if named is None or first is None or (first.c_type(), first.declared.name) != ("uint32_t", "struct_size"):
        return None
    major = int(named[2])
    written = [member.declared.annotations.get("HOTGRAFT_SINCE", ()) for member in struct.members]
    minors = [int(one[1]) for one in written if len(one) == 2 and one[1].isdigit()]
    return Offered(named[1], (major, max(minors, default=0)), struct)


def source_parts(offered: tuple[Offered, ...], *, is_cpp: bool) -> dict[str, str]:
    """Return what the template of the source wants: the functions, the tables, the answer to get_interface."""
    if is_cpp:
        functions = "\n\n".join(_method(one) for item in offered for one in item.functions)
        tables = "".join(
            f"    static const {item.struct.name} {item.interface} = {item.struct.name}_of<hotgraft_instance>();\n"
            for item in offered
        )
        test = '    if (std::strcmp(id, "{0}/{1}") == 0) {{\n        return &{0};\n    }}'
    else:
        functions = "\n\n".join(_function(item, one) for item in offered for one in item.functions)
        tables = "\n".join(_table(item) for item in offered)
        test = '    if (strcmp(id, "{0}/{1}") == 0) {{\n        return &{0}_table;\n    }}'
    answers = "\n".join(test.format(item.interface, item.version[0]) for item in offered)
    return {"functions": functions, "tables": tables, "answers": answers}


def _function(item: Offered, member: Member) -> str:
    parameters = (member.parameters or ())[1:]
    unused = "".join(f"    (void){one.name};\n" for one in parameters)
    name = f"{item.interface}_{member.declared.name}"
    head = f"static {_words(member.declared.type)}{name}("
    head = _wrapped(head, ["void *self", *map(_spelled, parameters)]) + ") {\n    (void)self;\n"
    return head + unused + _body(member.declared, "NULL", "    ") + "}"


def _method(member: Member) -> str:
    is_status = member.declared.type == ("hotgraft_status",)
    head = f"    {_words(member.declared.type)}{member.declared.name}("
    head = _wrapped(head, [_typed(one) for one in (member.parameters or ())[1:]])
    head += f") {'' if is_status else 'noexcept '}{{\n"
    return head + _body(member.declared, "nullptr", "        ") + "    }"


def _body(declared: Declared, null: str, indent: str) -> str:
    if declared.type == ("hotgraft_status",):
        return f"{indent}return HOTGRAFT_E_UNSUPPORTED; /* yours to write */\n"
    if declared.type == ("void",):
        return f"{indent}/* yours to write */\n"
    return f"{indent}return {null if declared.stars else 0}; /* yours to write */\n"


def _table(item: Offered) -> str:
    names = ", ".join(f"{item.interface}_{one.declared.name}" for one in item.functions)
    return (
        f"static const {item.struct.name} {item.interface}_table = {{\n"
        f"    sizeof({item.struct.name}),\n    {names},\n}};"
    )


def _wrapped(head: str, parameters: list[str]) -> str:
    """Put parameters after `head`, on further lines under the first where one line would grow too long."""
    lines = [head]
    for index, one in enumerate(parameters):
        piece = one + ("," if index + 1 < len(parameters) else "")
        is_first = lines[-1].endswith("(")
        if not is_first and len(lines[-1]) + len(piece) > LINE_WIDTH:
            lines.append(" " * len(head) + piece)
        else:
            lines[-1] += piece if is_first else f" {piece}"
    return "\n".join(lines)


def _spelled(declared: Declared) -> str:
    return f"{_words(declared.type)}{declared.name}"


def _typed(declared: Declared) -> str:
    return f"{' '.join(declared.type)} /*{declared.name}*/"


def _words(words: tuple[str, ...]) -> str:
    text = " ".join(words)
    return text if text.endswith("*") else text + " "
