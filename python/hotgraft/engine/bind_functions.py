"""The functions of an interface: names, versions, and what their annotations promise."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, Named, Pointer
from hotgraft.core.descriptor import FIRST_FUNCTION_OFFSET, Function, Interface
from hotgraft.engine.bind_passed import PassedBinder

if TYPE_CHECKING:
    from hotgraft.core.manifest import Provided
    from hotgraft.engine.bind_types import TypeBinder
    from hotgraft.engine.header_declare import Declared

# Attributes of every plugin handle in Python: an interface function of that name could not be reached.
RESERVED_NAMES: Final = frozenset(
    {"aio", "features", "generation", "instance", "name", "pin", "reload", "report", "session", "stats", "version"}
)


class FunctionBinder:
    """Describes interfaces; what may not cross is added to `complaints`."""

    def __init__(self, types: TypeBinder, complaints: list[str]) -> None:
        self.places: dict[str, str] = {}  # where each function stands
        self._layouts = types.layouts
        self._passed = PassedBinder(types, complaints)
        self._complaints = complaints

    def interface(self, provided: Provided) -> Interface:
        """Describe the struct of an interface that the manifest names."""
        struct = self._layouts.declared.get(provided.struct)
        members = struct.members if struct else ()
        where = provided.header
        if struct is None or struct.kind != "struct" or struct.spelled != provided.struct:
            self._complaints.append(
                f"{where}:1: declares no typedef struct {provided.struct} for interface {provided.interface}"
            )
        elif not self._layouts.read(provided.struct) and not members:
            pass  # said already
        elif not members or not _is_struct_size(members[0]):
            self._complaints.append(
                f"{struct.path}:{struct.line}: {struct.name} does not begin with uint32_t struct_size"
            )
        functions = tuple(
            self._function(provided, member, FIRST_FUNCTION_OFFSET + 8 * index, struct.path if struct else where)
            for index, member in enumerate(members[1:])
        )
        return Interface(
            interface=provided.interface,
            version=provided.version,
            struct=provided.struct,
            bytes=FIRST_FUNCTION_OFFSET + 8 * len(functions),
            functions=functions,
        )

    def _function(self, provided: Provided, declared: Declared, offset: int, path: str) -> Function:
        where = f"{path}:{declared.line}: {declared.name}"
        said = declared.annotations
        given = declared.parameters or ()
        if declared.parameters is None:
            self._complaints.append(
                f"{where}: only function pointers follow struct_size in an interface, written out with parameters"
            )
        elif not given or given[0].type != Pointer(VOID):
            self._complaints.append(f"{where}: the first parameter is not void *self")
        self._check_name(declared.name, where)
        names = [one.name for one in given]
        for name in dict.fromkeys(one for one in names if names.count(one) > 1 or one == "self"):
            if names.count(name) > 1 or names[0] != "self":
                self._complaints.append(f"{where}: two parameters are called {name!r}")
        if "HOTGRAFT_REALTIME" in said and "HOTGRAFT_BLOCKING" in said:
            self._complaints.append(f"{where}: HOTGRAFT_REALTIME never waits, and HOTGRAFT_BLOCKING may take long")
        return Function(
            name=declared.name,
            offset=offset,
            since=self._since(declared, provided, where),
            blocking="HOTGRAFT_BLOCKING" in said,
            idempotent="HOTGRAFT_IDEMPOTENT" in said,
            serial="HOTGRAFT_SERIAL" in said,
            realtime="HOTGRAFT_REALTIME" in said,
            parameters=tuple(self._passed.parameter(index, given[1:], where) for index in range(len(given[1:]))),
            returns=self._passed.returns(declared, given[1:], where),
        )

    def _check_name(self, name: str, where: str) -> None:
        if name in RESERVED_NAMES or name.startswith("_"):
            self._complaints.append(f"{where}: the name is taken by every plugin handle in Python")
        if keyword.iskeyword(name):
            self._complaints.append(f"{where}: {name} is a word of Python's own: plugin.{name}() cannot be written")
        earlier = self.places.setdefault(name, where)
        if earlier != where:
            self._complaints.append(f"{where}: the name stands at {earlier} too, and Python reaches both by it")

    def _since(self, declared: Declared, provided: Provided, where: str) -> tuple[int, int]:
        written = declared.annotations.get("HOTGRAFT_SINCE")
        if written is None:
            return (provided.version[0], 0)
        if not all(one.isascii() and one.isdigit() and len(one) <= 5 for one in written):
            self._complaints.append(f"{where}: HOTGRAFT_SINCE wants major, minor")
            return (0, 0)
        since = (int(written[0]), int(written[1]))
        if since > provided.version:
            is_version = f"{provided.version[0]}.{provided.version[1]}"
            self._complaints.append(f"{where}: since {since[0]}.{since[1]}, and the interface is {is_version}")
        return since


def _is_struct_size(declared: Declared) -> bool:
    return declared.type == Named("uint32_t") and declared.name == "struct_size" and not declared.is_const
