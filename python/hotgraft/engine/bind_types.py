"""The types of a plugin's interface: which may cross, and how each lies in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, Array, Named, Pointer, Unseen, names_in
from hotgraft.core.descriptor import Enumeration, Struct
from hotgraft.engine.bind_layout import layout_id_of
from hotgraft.engine.header_c import SCALAR_OF, canonical, is_call_back, leaf_of, plain_name

if TYPE_CHECKING:
    from hotgraft.core.c_types import CType
    from hotgraft.engine.header_declare import Declared
    from hotgraft.engine.header_types import Layouts

REFUSED_TYPES: Final = {
    "long": "its width depends on the platform: use int64_t",
    "int": "its width depends on the platform: use int32_t",
    "short": "its width depends on the platform: use int16_t",
    "unsigned": "its width depends on the platform: use uint32_t",
    "size_t": "its width depends on the platform: use uint64_t",
    "bool": "its representation depends on the language: use uint8_t",
    "_Bool": "its representation depends on the language: use uint8_t",
    "enum": "no header that bind reads declares it: declare it before, or use int32_t",
}


class TypeBinder:
    """Describes types as they are met; what may not cross is added to `complaints`."""

    def __init__(self, layouts: Layouts, complaints: list[str]) -> None:
        self.layouts = layouts
        self.structs: dict[str, Struct] = {}
        self.unions: dict[str, Struct] = {}
        self.enums: dict[str, Enumeration] = {}
        self._complaints = complaints
        self._met: set[str] = set()
        self._open: list[str] = []  # being described, the outermost first
        self.is_in_state = False  # what is described from here on is the state's: it may lead to blocks of its own

    def check(self, declared: Declared, where: str) -> bool:
        """Tell whether a type of this kind crosses at all, by value or by pointer; complain if not."""
        return self.check_type(declared.type, declared.written or declared.name, where)

    def check_type(self, kind: CType, written: str, where: str) -> bool:
        """Tell whether what is under all pointers and arrays is known; `written` is the type as it stands there."""
        leaf = leaf_of(kind)
        words = leaf.what.split() if isinstance(leaf, Unseen) else [leaf.name] if isinstance(leaf, Named) else []
        for word in words:
            if word in REFUSED_TYPES:
                self._complaints.append(f"{where}: {written}: {REFUSED_TYPES[word]}")
                return False
        is_known = isinstance(leaf, Named) and (leaf.name in SCALAR_OF or self.layouts.crosses(plain_name(leaf.name)))
        if not is_known and not (leaf == VOID and isinstance(kind, Pointer)):
            self._complaints.append(f"{where}: type {written!r} does not cross")
            return False
        return True

    def is_record(self, kind: CType) -> bool:
        """Is it a struct or union itself, no pointer to one?"""
        declared = self.layouts.declared.get(plain_name(kind.name)) if isinstance(kind, Named) else None
        return declared is not None and declared.kind in ("struct", "union")

    def describe(self, kind: CType) -> None:
        """Describe the structs, unions and enums that a type is made of, and those inside of them."""
        for name in names_in(canonical(kind)):
            if self.layouts.crosses(name) and name not in self._met:
                self._met.add(name)
                self._describe(name)

    def _describe(self, name: str) -> None:
        kind = self.layouts.declared[name].kind
        self._open.append(name)
        self._describe_as(kind, name)
        self._open.pop()

    def _describe_as(self, kind: str, name: str) -> None:
        if kind != "enum":
            (self.unions if kind == "union" else self.structs)[name] = self.layout(name)
        elif self.layouts.read(name):
            self.enums[name] = self.layouts.enumeration(name)

    def layout(self, name: str) -> Struct:
        """Return the layout of a struct or union; of one that does not cross, one that is not to be used."""
        struct = self.layouts.declared[name]
        is_read = self.layouts.read(name)
        known = len(self._complaints)
        for member in struct.members:
            where = f"{struct.path}:{member.line}: {struct.kind} {name}, field {member.name}"
            if is_call_back(member.type):
                self._complaints.append(f"{where}: a function pointer does not outlive the code it points to")
            elif member.stars and not self.is_in_state:
                self._complaints.append(f"{where}: a pointer inside a struct does not cross")
            elif member.stars:
                self._counted(member, where, is_read=is_read)
            elif member.is_const:
                self._complaints.append(f"{where}: const says nothing about a layout: leave it out")
            elif self.check(member, where) and is_read:
                self.describe(member.type)
        if not struct.members:
            self._complaints.append(f"{struct.path}:{struct.line}: {struct.kind} {name} has no fields")
        if not is_read or len(self._complaints) > known:
            return Struct(bytes=1, align=1, fields=())
        return self.layouts.record(name)

    def _counted(self, member: Declared, where: str, *, is_read: bool) -> None:
        """Describe what a pointer of a state leads to; complain where that is not declared."""
        kind = member.type
        if "HOTGRAFT_COUNTED" not in member.annotations:
            what = "HOTGRAFT_COUNTED(field) says how many elements of the host's memory it leads to, else it"
            self._complaints.append(f"{where}: a pointer in the state does not cross: {what} dangles in the next build")
        elif member.stars != 1 or not isinstance(kind, Pointer) or isinstance(kind.to, Array) or kind.const:
            self._complaints.append(f"{where}: what is counted are elements that may be written: one *, no const")
        elif kind.to == VOID:
            self._complaints.append(f"{where}: void has no elements that could be counted: name their type")
        elif (inner := canonical(kind.to)) and isinstance(inner, Named) and inner.name in self._open:
            self._complaints.append(f"{where}: {inner.name} contains itself: how deep it goes, no layout can say")
        elif self.check(member, where) and is_read:
            self.describe(kind.to)

    def layout_id(self, name: str) -> int:
        """Return the number that equal layouts of a state have in common; 0 after a complaint."""
        struct = self.layout(name)
        return layout_id_of(struct, self) if not self._complaints else 0
