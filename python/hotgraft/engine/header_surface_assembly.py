"""What the compiler said and what was read in the text, put together: one surface."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Array, FunctionType, Pointer, names_in, type_text
from hotgraft.core.surface import Function, Member, Parameter, Record, Surface, Variable
from hotgraft.engine.header_surface_interfaces import find_interfaces
from hotgraft.engine.header_surface_probe import PROBE
from hotgraft.engine.header_surface_types import NAMED, TypeReader, enumerators, peel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotgraft.core.c_types import CType
    from hotgraft.core.surface import Interface, TypeFacts
    from hotgraft.engine.dwarf import Entry
    from hotgraft.engine.header_surface_declared import Declarations, DeclaredName, DeclaredParameter
    from hotgraft.engine.header_surface_macros import Constants
    from hotgraft.engine.header_surface_probe import Answers
    from hotgraft.engine.header_surface_text import Preprocessed

__all__ = ["assemble"]

CALLING: Final = "attributes that change a call or a layout"
_QUIET_PRAGMAS: Final = re.compile(
    r"once|pack.*|(GCC|clang) (diagnostic|system_header|poison).*|GCC visibility (pop|push \( default \))|STDC .*"
    r"|message.*|(end)?region.*"
)
_NUMBER: Final = re.compile(r"[( ]*(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*[ )]*")


def assemble(label: str, text: Preprocessed, declared: Declarations, constants: Constants, answers: Answers) -> Surface:
    """Return the surface of headers. `label` is what messages call them."""
    return _Assembly(declared, answers).surface(label, text, constants)


class _Assembly:
    def __init__(self, declared: Declarations, answers: Answers) -> None:
        self.declared = declared
        self.answers = answers
        self.unseen: list[str] = []
        self.calling = list(declared.calling)
        self.types = TypeReader(answers.debug.entries, answers.alignments, self.unseen)
        self.functions: dict[str, Function] = {}
        self.variables: dict[str, Variable] = {}
        self.listed: dict[str, str] = {}  # constants of enums without a name
        self.lengths: dict[str, int] = {}  # of typedefs that are arrays
        self.meanings: dict[str, str] = {}  # of typedefs that are no structs, unions or enums

    def surface(self, label: str, text: Preprocessed, constants: Constants) -> Surface:
        names = list(self.declared.names.values())
        own = list(self._own_types())
        for entry in self.answers.debug.entries:
            if entry.tag == "variable" and entry.name.startswith(PROBE):
                self._add(names[int(entry.name.removeprefix(PROBE))], entry)
        self.unseen += [f"a declaration that is not understood: {one}" for one in self.declared.unread]
        seen = self.functions.keys() | self.variables.keys()
        for one in names:
            if one.symbol not in seen:
                self.unseen.append(f"{one.name}: the compiler says nothing of a function or variable of this name")
        self.types.finish()
        interfaces = find_interfaces(self.types.types, own, text.tokens, self.types.statuses)
        self.calling += [f"pragma {one}" for one in text.pragmas if not _QUIET_PRAGMAS.fullmatch(one)]
        return Surface(
            label=label,
            interfaces=interfaces,
            functions=dict(sorted(self.functions.items())),
            variables=dict(sorted(self.variables.items())),
            types=dict(sorted(self._without_tables(interfaces).items())),
            constants=dict(sorted(self._constants(constants).items())),
            unseen=tuple(dict.fromkeys(self.unseen)),
        )

    def _own_types(self) -> Iterator[str]:
        """Name every struct, union and enum that the headers themselves mention, reached or not."""
        words = self.declared.words
        for entry in self.answers.debug.entries:
            if entry.tag in NAMED and self.types.has_name(entry):
                name = self.types.name_of(entry, "")
                if name in words or entry.name in words:
                    yield name
                else:
                    self.types.forget(entry)
            elif entry.tag == "enumeration_type":
                self.listed |= {name: str(value) for name, value in enumerators(entry, "i64") if name in words}
            elif entry.tag == "typedef" and entry.name in self.declared.typedefs:
                self._add_typedef(entry)

    def _add_typedef(self, entry: Entry) -> None:
        """A typedef that nothing mentions may still say what crosses through a void pointer."""
        if alignment := entry.number("alignment"):
            self.calling.append(f"typedef {entry.name}: aligned({alignment})")
        target, _, _ = peel(entry)
        if target is not None and target.tag not in NAMED:
            meaning = self.types.type_of(target, entry.name)
            self.meanings[entry.name] = type_text(meaning)
            if isinstance(meaning, Array) and meaning.count is not None:
                self.lengths[entry.name] = meaning.count
        if entry.name in self.declared.once and target is not None and target.tag not in NAMED:
            kind = self.types.type_of(target, entry.name)
            size = target.number("byte_size") or 0
            member = Member(name="value", type=kind, offset_bits=0)
            self.types.types[entry.name] = Record(kind="struct", bytes=size, align=size, members=(member,))

    def _add(self, declared: DeclaredName, probe: Entry) -> None:
        pointer, _, _ = peel(probe.type)
        target = pointer.type if pointer is not None else None
        inner, const, volatile = peel(target)
        if inner is not None and inner.tag == "subroutine_type":
            self.functions[declared.symbol] = self._function(declared, inner)
            return
        kind = self.types.type_of(target, declared.name)
        while inner is not None and inner.tag == "array_type":
            inner, is_const, _ = peel(inner.type)
            const = const or is_const or declared.is_const  # gcc does not tell const of an array's typedef
        self.variables[declared.symbol] = Variable(type=kind, is_const=const)
        self.calling += [f"{declared.name}: volatile"] if volatile else []

    def _function(self, declared: DeclaredName, entry: Entry) -> Function:
        kind: FunctionType = self.types.function(entry, declared.name)
        written = declared.parameters if len(declared.parameters) >= len(kind.parameters) else ()
        nonnull = [one for one in declared.attributes if one.name == "nonnull"]
        places = {int(place) for one in nonnull for place in one.arguments if place.isdigit()}
        every = any(not one.arguments for one in nonnull)
        names = [one.name for one in written]
        parameters = []
        for at, one in enumerate(kind.parameters):
            said = written[at] if written else None
            is_pointer = isinstance(one, Pointer)
            if isinstance(one, Pointer) and isinstance(one.to, Array) and said is not None and said.is_const:
                one = replace(one, const=True)  # gcc does not tell const of an array's typedef
            is_nonnull = every or at + 1 in places or (said is not None and said.is_nonnull)
            parameters.append(
                Parameter(
                    name=said.name if said is not None else "",
                    type=one,
                    count=self._length(said, names) if said is not None and is_pointer else None,
                    is_nullable=is_pointer and not is_nonnull,
                )
            )
        promised = any(one.name == "returns_nonnull" for one in declared.attributes)
        return Function(
            name=declared.symbol,
            parameters=tuple(parameters),
            result=kind.result,
            is_nullable=isinstance(kind.result, Pointer) and not promised,
            is_variadic=kind.is_variadic,
        )

    def _length(self, said: DeclaredParameter, names: Sequence[str]) -> str | None:
        """Return how many elements an array that is a parameter has; a typedef may hide that it is one."""
        if not said.count and said.kind in self.lengths:
            return str(self.lengths[said.kind])
        return _count(said.count, names)

    def _code(self, name: str, text: str) -> str:
        """Code means what it says only together with the typedefs in it."""
        used = sorted({word for word in text.split(" ") if word in self.meanings})
        is_code = name.startswith(("inline ", "macro "))
        return "; ".join([text, *(f"{one} is {self.meanings[one]}" for one in used)]) if is_code else text

    def _constants(self, constants: Constants) -> dict[str, str]:
        answers = self.answers
        values = {name: self._code(name, text) for name, text in constants.texts.items()} | self.listed
        values |= {name: str(answers.integers.get(name, text)) for name, text in constants.integers.items()}
        values |= {
            name: repr(answers.floats[name]) if name in answers.floats else text
            for name, text in constants.floats.items()
        }
        values |= {f"promise of {one}": "kept" for one in self.declared.promises}
        return values | {CALLING: "; ".join(sorted(set(self.calling))) or "none"}

    def _without_tables(self, interfaces: Sequence[Interface]) -> dict[str, TypeFacts]:
        """An interface is a type too only where something else names it."""
        types = dict(self.types.types)
        tables = {one.name for one in interfaces}
        named = {name for kind in self._types_in_use() for name in names_in(kind)}
        for name in tables - named:
            types.pop(name, None)
        return types

    def _types_in_use(self) -> Iterator[CType]:
        for function in self.functions.values():
            yield from (function.result, *(one.type for one in function.parameters))
        yield from (one.type for one in self.variables.values())
        for facts in self.types.types.values():
            if isinstance(facts, Record):
                yield from (one.type for one in facts.members)


def _count(text: str, names: Sequence[str]) -> str | None:
    if not text:
        return None
    if text in names:
        return f"#{names.index(text)}"
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    return str(int(number[1], 16 if number[1][:2] in ("0x", "0X") else 8 if number[1][:1] == "0" else 10))
