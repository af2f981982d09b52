"""Plugins for the tests of the call path: C functions compiled on the spot, served from slots made by hand.

No host, no image, no generation: what is tested here must not depend on them.
"""

from __future__ import annotations

import ctypes
import functools
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core import errors
from kept_images import KEPT, compiler_bytes, kept_folder

if TYPE_CHECKING:
    from pathlib import Path

INCLUDES = ("-include", "stdint.h", "-include", "string.h", "-include", "stdlib.h")
_PARAMETER = re.compile(r"(?P<type>\w+)(?P<pointer>\*?) (?P<name>\w+)(?: (?P<rest>.*))?$")

_core.set_call_errors(
    {
        "plugin": errors.PluginError,
        "busy": errors.Busy,
        "closed": errors.HostClosed,
        "pin_expired": errors.PinExpired,
        "backpressure": errors.Backpressure,
        "unavailable": errors.PluginUnavailable,
        "crashed": errors.PluginCrashed,
    }
)


@functools.cache
def build(source: str, compiler: str = "gcc", level: str = "-O2") -> ctypes.CDLL:
    """Compile C to a shared library and load it; the same source is compiled once."""
    command = [compiler, "-std=gnu11", level, "-shared", "-fPIC", *INCLUDES]

    def compile_into(folder: Path) -> None:
        code = folder / "code.c"
        code.write_text(source)
        subprocess.run([*command, code, "-o", code.with_suffix(".so")], check=True, capture_output=True, text=True)

    parts = [compiler_bytes(compiler), " ".join(command).encode(), source.encode()]
    return ctypes.CDLL(str(kept_folder(KEPT, parts, compile_into) / "code.so"), mode=ctypes.RTLD_LOCAL)


def compilers() -> list[str]:
    """Every C compiler the callees are to be built with that this machine has."""
    return [name for name in ("gcc", "clang", "clang-14") if shutil.which(name)][:2]


def parameter(text: str) -> dict[str, Any]:
    """Read one parameter as in ``"f32* out out(n) nullable"`` into the descriptor's form."""
    found = _PARAMETER.match(text)
    assert found is not None, text
    words = (found["rest"] or "").split()
    direction = next((word for word in words if word != "nullable"), "")
    kind, _, count = direction.rstrip(")").partition("(")
    return {
        "name": found["name"],
        "type": found["type"],
        "pointer": len(found["pointer"]),
        "direction": kind or None,
        "count": count or None,
        "nullable": "nullable" in words,
        "const": kind == "in",
    }


def returns(text: str) -> dict[str, Any]:
    """Read a result as in ``"i32"``, ``"status"`` or ``"f32 leased(n)"``."""
    type_name, _, ownership = text.partition(" ")
    if ownership:
        kind, _, count = ownership.rstrip(")").partition("(")
        return {"kind": "pointer", "type": type_name, "ownership": kind, "count": count or None}
    kind = type_name if type_name in ("status", "void") else "value"
    return {"kind": kind, "type": "i32" if kind == "status" else type_name, "ownership": None, "count": None}


def function(text: str, *, index: int = 0, interface: int = 0, blocking: bool = False) -> dict[str, Any]:
    """Read ``"add(i64 a, i64 b) -> i64"`` into a function dict whose pointer is number `index` in the struct."""
    head, _, result = text.partition(" -> ")
    name, _, inside = head.partition("(")
    parameters = [part.strip() for part in re.split(r",(?![^(]*\))", inside[:-1]) if part.strip()]
    return {
        "name": name,
        "offset": 8 + 8 * index,
        "since": [1, 0],
        "blocking": blocking,
        "idempotent": False,
        "interface_index": interface,
        "returns": returns(result),
        "parameters": [parameter(part) for part in parameters],
    }


def interface_struct(functions: list[int]) -> ctypes.Array[ctypes.c_uint64]:
    """An interface struct in memory: struct_size, then these function pointers (0: not offered)."""
    struct = (ctypes.c_uint64 * (1 + len(functions)))()
    struct[0] = 8 * (1 + len(functions))
    for index, address in enumerate(functions):
        struct[1 + index] = address
    return struct


def address_of(library: ctypes.CDLL, name: str) -> int:
    """Where a function lies; 0 if the library does not have it."""
    found = getattr(library, name, None)
    return 0 if found is None else (ctypes.cast(found, ctypes.c_void_p).value or 0)


class Owner:
    """What an object keeps alive; may be weakly referenced."""


@dataclass(slots=True)
class Scene:
    """One plugin: its functions, its slot, its call object."""

    functions: list[dict[str, Any]]
    slot: Any
    call_type: type
    plugin: Any
    structs: dict[str, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def table(self, library: ctypes.CDLL, generation: int, self_pointer: int = 0) -> int:
        """Make the table of a generation from the functions of `library` that bear the same names."""
        struct = interface_struct([address_of(library, entry["name"]) for entry in self.functions])
        self.kept.append((library, struct))
        index: int = _core._seams.table(self.slot, ctypes.addressof(struct), self_pointer, generation)
        return index

    def publish(self, library: ctypes.CDLL, generation: int, self_pointer: int = 0) -> None:
        """Let the functions of `library` serve from now on."""
        _core._seams.publish(self.slot, self.table(library, generation, self_pointer))

    def withdraw(self) -> None:
        """Leave the slot without a table."""
        _core._seams.publish(self.slot, -1)


def scene(
    source: str,
    *signatures: str,
    name: str = "gain",
    blocking: bool = False,
    structs: dict[str, Any] | None = None,
    bases: tuple[type, ...] = (),
    library: ctypes.CDLL | None = None,
    owner: object = None,
) -> Scene:
    """Serve generation 1 of a plugin with these functions, compiled from `source`."""
    functions = [function(text, index=index, blocking=blocking) for index, text in enumerate(signatures)]
    call_type = _core.make_call_type(name, functions, bases, structs or {})
    slot = _core._seams.slot(f"{name}/1")
    plugin = _core._seams.call_object(call_type, [slot], owner if owner is not None else Owner())
    made = Scene(functions=functions, slot=slot, call_type=call_type, plugin=plugin, structs=structs or {})
    made.publish(library if library is not None else build(source), 1)
    return made
