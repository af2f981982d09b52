"""A plugin's first source for an interface that exists already: every function is there, and says that it is not yet.

What an author fills in is the body of each function. One that answers a status answers HOTGRAFT_E_UNSUPPORTED until
then, so that a caller can tell; one that answers a value answers 0, and a comment says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, Named, Pointer
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import BindError
from hotgraft.engine.header_c import SCALAR_OF, c_text
from hotgraft.engine.header_parse import parse_header
from hotgraft.engine.header_tokens import read_header

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.c_types import CType
    from hotgraft.engine.header_declare import Declared
    from hotgraft.engine.header_parse import DeclaredType

__all__ = ["Offered", "interface_refusal", "read_interfaces", "source_parts"]

LINE_WIDTH: Final = 110
STATUS: Final = Named("hotgraft_status")

_STRUCT_NAME: Final = re.compile(r"([a-z][a-z0-9_]{0,62})_v([0-9]+)")
_GUARD: Final = re.compile(r"^[ \t]*#[ \t]*(ifndef|pragma[ \t]+once)\b", re.MULTILINE)
_LOCAL_INCLUDE: Final = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Offered:
    """An interface of the header: its name, its version, its struct."""

    interface: str
    version: tuple[int, int]
    struct: DeclaredType

    @property
    def functions(self) -> tuple[Declared, ...]:
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
    types = parse_header(read_header(text.encode(), path.name, {}, complaints), complaints)
    offered = [found for found in map(_offered, types) if found is not None]
    if not offered:
        complaints.append("it declares no interface: typedef struct <name>_v1 { uint32_t struct_size; … } <name>_v1;")
    if complaints:
        raise interface_refusal(str(path), complaints)
    return tuple(offered)


def interface_refusal(path: str, found: list[str]) -> BindError:
    """Return the error for a header that no plugin can be begun from."""
    return BindError("begin a plugin from the interface", on=path, found=found, running="nothing was written")


def _offered(struct: DeclaredType) -> Offered | None:
    named = _STRUCT_NAME.fullmatch(struct.name)
    first = struct.members[0] if struct.members else None
    if named is None or first is None or (first.c_type(), first.name) != ("uint32_t", "struct_size"):
        return None
    major = int(named[2])
    written = [member.annotations.get("HOTGRAFT_SINCE", ()) for member in struct.members]
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


def _function(item: Offered, member: Declared) -> str:
    parameters = (member.parameters or ())[1:]
    unused = "".join(f"    (void){one.name};\n" for one in parameters)
    name = f"{item.interface}_{member.name}"
    head = f"static {c_text(_result(member), name)}("
    head = _wrapped(head, ["void *self", *(c_text(one.type, one.name) for one in parameters)])
    return head + ") {\n    (void)self;\n" + unused + _body(member, "NULL", "    ") + "}"


def _method(member: Declared) -> str:
    head = f"    {c_text(_result(member), member.name)}("
    head = _wrapped(head, [c_text(one.type, f"/*{one.name}*/") for one in (member.parameters or ())[1:]])
    head += f") {'' if _result(member) == STATUS else 'noexcept '}{{\n"
    return head + _body(member, "nullptr", "        ") + "    }"


def _result(member: Declared) -> CType:
    return VOID if member.parameters is None else member.result


def _body(member: Declared, null: str, indent: str) -> str:
    result = _result(member)
    if result == STATUS:
        return f"{indent}return HOTGRAFT_E_UNSUPPORTED; /* yours to write */\n"
    if result == VOID:
        return f"{indent}/* yours to write */\n"
    is_scalar = isinstance(result, Named) and result.name in SCALAR_OF
    zero = null if isinstance(result, Pointer) else "0" if is_scalar else f"({c_text(result)})0"  # an enum
    return f"{indent}return {zero}; /* yours to write */\n"


def _table(item: Offered) -> str:
    names = ", ".join(f"{item.interface}_{one.name}" for one in item.functions)
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
