"""What cffi reads in the types that `header_parse` found: sizes, offsets, values.

cffi gets the declarations as they stand, less the annotations. Every type it finds there is compared with the type
that bind is about to describe, so that a declaration we would read wrongly is refused instead.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import cffi

from hotgraft.core.c_types import Array, type_text
from hotgraft.core.descriptor import Enumeration, Field, Struct
from hotgraft.core.descriptor_types import ENUM_RANGES
from hotgraft.engine.header_c import c_text, canonical
from hotgraft.engine.header_literals import NoValueError
from hotgraft.engine.header_numbers import integer_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.engine.header_c import Scope
    from hotgraft.engine.header_declare import Declared
    from hotgraft.engine.header_parse import DeclaredType

PRELUDE: Final = "typedef int32_t hotgraft_status;"
NESTING_LIMIT: Final = 32


class Layouts:
    """The layouts of a set of types, each read when it is first asked for."""

    def __init__(self, types: Iterable[DeclaredType], scope: Scope, complaints: list[str]) -> None:
        self._ffi = cffi.FFI()
        self._ffi.cdef(PRELUDE)
        self._scope = scope
        self._complaints = complaints
        self._read: dict[str, bool] = {}
        self._open: set[str] = set()  # being read
        self._enum_of: dict[str, str] = {}  # enumerator → name of its enum
        self.declared: dict[str, DeclaredType] = {}
        for one in types:
            first = self.declared.setdefault(one.name, one)
            if first is not one and not (one.kind == first.kind == "typedef" and one.text == first.text):
                twice = f"is declared twice; first at {first.path}:{first.line}"
                complaints.append(f"{one.path}:{one.line}: {one.kind} {one.name} {twice}")
            self._enum_of |= {name: one.name for name, _ in one.values}

    def crosses(self, name: str) -> bool:
        """Is this a struct, union or enum of the headers?"""
        return name in self.declared and self.declared[name].kind != "typedef"

    def read(self, name: str, depth: int = 0) -> bool:
        """Let cffi read a type and those it names; tell whether it stands as we take it, and complain if not."""
        declared = self.declared[name]
        if name in self._open:
            self._complain(declared, "contains itself")
            return False
        if name not in self._read:
            self._open.add(name)
            self._read[name] = False
            self._complaints += declared.complaints
            words = {self._enum_of.get(word, word) for word in declared.words}
            inner = [word for word in sorted(words) if word in self.declared and word != name]
            if depth > NESTING_LIMIT:
                self._complain(declared, f"structs inside structs go deeper than {NESTING_LIMIT}")
            elif False not in {self.read(word, depth + 1) for word in inner} and not declared.complaints:
                self._read[name] = self._define(declared)
            self._open.discard(name)
        return self._read[name]

    def _define(self, declared: DeclaredType) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what cffi would guess is refused anyway
                self._ffi.cdef(declared.text)
                if declared.name in self._scope.aliased and declared.spelled != declared.name:
                    self._ffi.cdef(f"typedef {declared.spelled} {declared.name};")
                differs = [*self._differences(declared)]
        except Exception as error:  # cffi raises whatever its parser does; the header is at fault, not we
            self._complain(declared, str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
            return False
        for sentence in differs:
            self._complain(declared, sentence)
        return not differs

    def _differences(self, declared: DeclaredType) -> Iterable[str]:
        if declared.kind in ("struct", "union"):
            self._ffi.sizeof(declared.spelled)
            yield from self._members_that_differ(declared)
        elif declared.kind == "enum":
            yield from self._values_that_differ(declared)
        else:
            taken = self._ffi.typeof(c_text(self._scope.typedefs[declared.name][0]))
            if self._ffi.typeof(declared.name) != taken:
                yield f"is {self._ffi.typeof(declared.name)} to a C parser and {taken} to bind: write it plainly"

    def _members_that_differ(self, declared: DeclaredType) -> Iterable[str]:
        fields: Any = self._ffi.typeof(declared.spelled).fields
        found = {name: info.type for name, info in fields}
        members = declared.members
        for member in members:
            taken = self._ffi.typeof(c_text(member.type))
            if found.get(member.name) != taken:
                yield f"{member.name} is {found.get(member.name)} to a C parser and {taken} to bind: write it plainly"
        if len(found) != len(members):
            yield f"has {len(found)} members to a C parser and {len(members)} to bind: write it plainly"

    def _values_that_differ(self, declared: DeclaredType) -> Iterable[str]:
        if not declared.spelled.endswith(declared.name):
            return  # without a name nobody can ask for it
        found: Any = self._ffi.typeof(declared.spelled)
        if found.relements != dict(declared.values):
            yield f"is {found.relements} to a C parser and {dict(declared.values)} to bind: write it plainly"

    def _complain(self, declared: DeclaredType, sentence: str) -> None:
        self._complaints.append(f"{declared.path}:{declared.line}: {declared.kind} {declared.name}: {sentence}")

    def size_of(self, name: str) -> int:
        """Return the size of a struct or union in bytes."""
        return int(self._ffi.sizeof(self.declared[name].spelled))

    def align_of(self, name: str) -> int:
        """Return the alignment of a struct or union in bytes."""
        return int(self._ffi.alignof(self.declared[name].spelled))

    def offsets(self, name: str) -> dict[str, int]:
        """Return where each member of a struct or union lies, in bytes."""
        fields: Any = self._ffi.typeof(self.declared[name].spelled).fields
        return {field: int(info.offset) for field, info in fields}

    def record(self, name: str) -> Struct:
        """Return the layout of a struct or union of plain fields."""
        offsets = self.offsets(name)
        fields = []
        end = 0
        for member in self.declared[name].members:
            size = int(self._ffi.sizeof(c_text(member.type)))
            shares = self.declared[name].kind == "struct" and offsets[member.name] < end
            fields.append(_field(member, offsets[member.name], size, shares=shares, when=self._when(member)))
            end = max(end, offsets[member.name] + size)
        return Struct(bytes=self.size_of(name), align=self.align_of(name), fields=tuple(fields))

    def _when(self, member: Declared) -> int | None:
        """Return the value of a tag by which a member of a union is alive. `bind_types` complains where it is none."""
        given = member.annotations.get("HOTGRAFT_ARM")
        try:
            return integer_value(given[0], self._scope.enumerators) if given else None
        except NoValueError:
            return None

    def enumeration(self, name: str) -> Enumeration:
        """Return an enum: u32 as long as none of its values is negative, as gcc and clang have it."""
        values = self.declared[name].values
        is_signed = any(value < 0 for _, value in values)
        least, most = ENUM_RANGES["i32" if is_signed else "u32"]
        for one, value in values:
            if not least <= value <= most:
                self._complain(self.declared[name], f"{one} is {value}: what crosses has 32 bits")
        return Enumeration(type="i32" if is_signed else "u32", values=values)


def _field(member: Declared, offset: int, size: int, *, shares: bool, when: int | None) -> Field:
    kind = canonical(member.type)
    count = 1
    if isinstance(kind, Array) and not isinstance(kind.of, Array):
        count = kind.count or 0
        kind = kind.of
    return Field(
        name=member.name,
        type=type_text(kind),
        offset=offset,
        bytes=size,
        count=count,
        shares=shares,
        counted=member.annotations.get("HOTGRAFT_COUNTED", ("",))[0],
        tag=member.annotations.get("HOTGRAFT_TAGGED", ("",))[0],
        when=when,
        handle="HOTGRAFT_HANDLE" in member.annotations,
    )
