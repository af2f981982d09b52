"""What cffi reads in the structs that `header_parse` found: types, sizes, offsets.

cffi gets the declarations as they stand, less the annotations. Every type it finds there is compared with the type
that bind is about to describe, so that a declaration we would read wrongly is refused instead.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import cffi

from hotgraft.core.descriptor import Field, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.engine.header_parse import DeclaredStruct, Member

SCALAR_OF: Final = {
    "int8_t": "i8", "uint8_t": "u8", "int16_t": "i16", "uint16_t": "u16", "int32_t": "i32", "uint32_t": "u32",
    "int64_t": "i64", "uint64_t": "u64", "float": "f32", "double": "f64", "char": "i8", "hotgraft_status": "i32",
}  # fmt: skip
PRELUDE: Final = "typedef int32_t hotgraft_status;"
NESTING_LIMIT: Final = 32


class Layouts:
    """The layouts of a set of structs, each read when it is first asked for."""

    def __init__(self, structs: Iterable[DeclaredStruct], complaints: list[str]) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(PRELUDE)
        self._complaints = complaints
        self._read: dict[str, bool] = {}
        self._open: set[str] = set()  # being read
        self.declared: dict[str, DeclaredStruct] = {}
        for struct in structs:
            first = self.declared.setdefault(struct.name, struct)
            if first is not struct:
                complaints.append(
                    f"{struct.path}:{struct.line}: struct {struct.name} is declared twice; "
                    f"first at {first.path}:{first.line}"
                )

    def read(self, name: str, depth: int = 0) -> bool:
        """Let cffi read a struct and those it names; tell whether it stands as we take it, and complain if not."""
        struct = self.declared[name]
        if name in self._open:
            self._complain(struct, "contains itself")
            return False
        if name not in self._read:
            self._open.add(name)
            self._read[name] = False
            self._complaints += struct.complaints
            inner = [word for word in sorted(struct.words) if word in self.declared and word != name]
            if depth > NESTING_LIMIT:
                self._complain(struct, f"structs inside structs go deeper than {NESTING_LIMIT}")
            elif False not in {self.read(word, depth + 1) for word in inner} and not struct.complaints:
                self._read[name] = self._define(struct)
            self._open.discard(name)
        return self._read[name]

    def _define(self, struct: DeclaredStruct) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what cffi would guess is refused anyway
                self._ffi.cdef(struct.text)
                self._ffi.sizeof(struct.name)
                differs = [*self._differences(struct)]
        except Exception as error:  # cffi raises whatever its parser does; the header is at fault, not we
            self._complain(struct, str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
            return False
        for sentence in differs:
            self._complain(struct, sentence)
        return not differs

    def _differences(self, struct: DeclaredStruct) -> Iterable[str]:
        fields: Any = self._ffi.typeof(struct.name).fields
        found = {name: info.type for name, info in fields}
        for member in struct.members:
            name = member.declared.name
            taken = self._ffi.typeof(_as_cffi(member))
            if found.get(name) != taken:
                yield f"{name} is {found.get(name)} to a C parser and {taken} to bind: write it plainly"
        if len(found) != len(struct.members):
            yield f"has {len(found)} members to a C parser and {len(struct.members)} to bind: write it plainly"

    def _complain(self, struct: DeclaredStruct, sentence: str) -> None:
        self._complaints.append(f"{struct.path}:{struct.line}: struct {struct.name}: {sentence}")

    def size_of(self, name: str) -> int:
        """Return a struct's size in bytes."""
        return int(self._ffi.sizeof(name))

    def align_of(self, name: str) -> int:
        """Return a struct's alignment in bytes."""
        return int(self._ffi.alignof(name))

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
            type_name = " ".join(types[field].base)
            listed.append(
                Field(
                    name=field,
                    type=SCALAR_OF.get(type_name, type_name),
                    offset=int(info.offset),
                    bytes=int(self._ffi.sizeof(info.type)),
                    count=int(info.type.length) if info.type.kind == "array" else 1,
                )
            )
        return Struct(bytes=self.size_of(name), align=self.align_of(name), fields=tuple(listed))


def _as_cffi(member: Member) -> str:
    return member.c_type().replace("HOTGRAFT_CALL ", "").replace(" HOTGRAFT_NOTHROW", "")
