"""Sizes and offsets, from cffi: how the machine lays out the structs that `header_parse` found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cffi

from hotgraft.core.descriptor import Field, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.engine.header_parse import DeclaredStruct

SCALAR_OF: Final = {
    "int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "uint16_t": "u16", "int32_t": "i32", "uint32_t": "u32",
    "int64_t": "i64", "uint64_t": "u64", "float": "f32", "double": "f64", "char": "i8", "hotgraft_status": "i32",
}  # fmt: skip
PRELUDE: Final = "typedef int32_t hotgraft_status;"


class Layouts:
    """The layouts of a set of structs; plain C, complete, in the order they are declared."""

    def __init__(self, structs: Iterable[DeclaredStruct]) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(PRELUDE)
        self.declared: dict[str, DeclaredStruct] = {}
        self.failures: list[str] = []  # what cffi cannot read, where nobody knows better
        for struct in structs:
            self.declared[struct.name] = struct
            try:
                self._ffi.cdef(struct.text)
                self.size_of(struct.name)
            except Exception as error:  # cffi raises whatever its parser does; the header is at fault, not we
                sentence = str(error).splitlines()[0]
                self.failures.append(f"{struct.path}:{struct.line}: struct {struct.name}: {sentence}")

    def size_of(self, name: str) -> int:
        """Return a struct's size in bytes."""
        return int(self._ffi.sizeof(name))

    def offsets(self, name: str) -> dict[str, int]:
        """Return where each member of a struct lies, in bytes."""
        fields: Any = self._ffi.typeof(name).fields
        return {field: int(info.offset) for field, info in fields}

    def struct(self, name: str) -> Struct:
        """Return the layout of a struct of plain fields."""
        fields: Any = self._ffi.typeof(name).fields
        types = {member.declared.name: member.declared for member in self.declared[name].members}
        listed = []
        for field, info in fields:
            size = int(self._ffi.sizeof(info.type))
            kind = info.type.item if info.type.kind == "array" else info.type
            count = info.type.length if info.type.kind == "array" else 1
            type_name = types[field].type[-1]
            listed.append(
                Field(
                    name=field,
                    type=SCALAR_OF.get(type_name, type_name),
                    offset=int(info.offset),
                    bytes=size,
                    count=int(count or size // max(self._ffi.sizeof(kind), 1)),
                )
            )
        return Struct(bytes=self.size_of(name), align=int(self._ffi.alignof(name)), fields=tuple(listed))
