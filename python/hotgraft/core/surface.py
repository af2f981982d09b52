"""What callers of a plugin or library can rely on, whoever read it: from a descriptor, or from C headers.

`contract` compares two of these. Nothing here knows where the facts came from; what a reader could not see it lists in
`unseen`, because what cannot be seen is never called identical.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.state import StateFacts

__all__ = [
    "Direction", "Enumeration", "Function", "Interface", "Member", "Parameter", "Record", "Requirement", "Surface",
    "Tag", "TypeFacts", "Variable",
]  # fmt: skip

Direction: TypeAlias = Literal["in", "out", "inout"]
# What a function promises, or asks of its callers, beyond its signature.
Tag: TypeAlias = Literal["blocking", "idempotent", "serial", "realtime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One field of a struct or union. Fields of members without a name stand here as if they were the outer's own."""

    name: str
    type: CType
    offset_bits: int
    bits: int | None = None  # of a bitfield
    # What the author declared about a field of a state (abi/hotgraft/fields.h); fields are those of the same struct.
    counted: str = ""  # a pointer leads to a block of its own: the field that says how many elements are there
    tag: str = ""  # of a union: the field whose value says which of its members is alive
    when: int | None = None  # a union's member: the tag's value while it is the one
    is_handle: bool = False  # names something elsewhere; is carried as it is, never made wider or narrower


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A struct or union. One whose members are not shown (opaque) has neither size nor members."""

    kind: Literal["struct", "union"]
    bytes: int = 0
    align: int = 0
    members: tuple[Member, ...] = ()
    is_opaque: bool = False

    @property
    def is_sized(self) -> bool:
        """Does it begin with its own size, so that it may grow at its end?"""
        return bool(self.members) and self.kind == "struct" and self.members[0].name == "struct_size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    """An enum: the integer it is, as a scalar's name, and its constants in order."""

    type: str
    values: tuple[tuple[str, int], ...]


TypeFacts: TypeAlias = Record | Enumeration


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; the object itself (`self`) is not listed. Its name is for messages: callers count by place."""

    name: str
    type: CType
    direction: Direction | None = None  # of a buffer; None: nothing was said
    count: str | None = None  # how many elements: a number, or "#2": the parameter at that place, from 0
    is_nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: of an interface (then it has an offset), or exported by name."""

    name: str
    parameters: tuple[Parameter, ...]
    result: CType
    is_status: bool = False  # the result is a hotgraft_status
    ownership: Literal["copied", "owned", "leased"] | None = None
    count: str | None = None  # of what a leased or owned result points to
    is_nullable: bool = False  # the result
    is_variadic: bool = False
    offset: int | None = None
    since: tuple[int, int] | None = None
    tags: frozenset[Tag] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A struct of functions that begins with its own size; one slot each in a plugin. A header gives it no version."""

    name: str
    version: tuple[int, int] | None
    bytes: int
    functions: tuple[Function, ...]

    @property
    def key(self) -> str:
        """Return name and major, the name of the slot: ``gain/1``."""
        return f"{self.name}/{self.version[0]}" if self.version is not None else self.name

    @property
    def title(self) -> str:
        """Return name and full version: ``gain 1.2``."""
        return f"{self.name} {self.version[0]}.{self.version[1]}" if self.version is not None else self.name

    @property
    def known_version(self) -> tuple[int, int]:
        """Return the version; (0, 0) where there is none. A plugin's interface has one."""
        return self.version or (0, 0)

    @property
    def packed_version(self) -> int:
        """Return the version as a table holds it: major << 16 | minor."""
        return self.known_version[0] << 16 | self.known_version[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An object that a library exports."""

    type: CType
    is_const: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """An interface of another plugin that this one calls."""

    interface: str
    range: str
    is_optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """All of it. Types, constants and schemas are by name."""

    label: str  # for messages: "gain 1.2.0", or a path
    version: str = ""  # of the plugin, SemVer; empty: it has none
    abi: tuple[int, int] | None = None
    interfaces: tuple[Interface, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)  # exported by name
    variables: Mapping[str, Variable] = field(default_factory=dict)
    types: Mapping[str, TypeFacts] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)  # macros, by value: equal texts are equal values
    requires: tuple[Requirement, ...] = ()
    features: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    config_schema: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # "interface.function" → JSON Schema
    state: StateFacts | None = None
    state_type: str = ""  # name of the struct whose layout is the state's; empty: not described
    unseen: tuple[str, ...] = ()  # sentences
