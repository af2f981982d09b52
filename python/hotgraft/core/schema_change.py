"""Whether a new JSON Schema (2020-12) of what a function returns keeps what callers were promised by the old one.

The rule is about values: each one that the new schema admits must be one that the old one admits. Where it is not so,
a promise is *loosened*; where fewer values are admitted than before, more is promised (*tightened*). A property that is
new beside others that were open to more is *added*. What cannot be decided is *undecided*, and never called the same:
decided are type, enum, const, required, properties, additionalProperties, items and bounds, also behind references
within the schema; every other keyword has to be equal, with all it refers to. Annotations (title, default …) promise
nothing.

A property that is gone is a promise loosened where it may still come, because nothing says any more what it holds.
Where nothing may come that is not listed, it will not come again, and who read it had to do without it at times
already, or `required` says that the promise is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from hotgraft.core.dataclass import dataclass
from hotgraft.core.schema_refs import DEFINITIONS, Document, Part, is_same
from hotgraft.core.schema_terms import (
    ANNOTATIONS,
    NUMBERS,
    MalformedError,
    atoms_of,
    bound_of,
    json_text,
    pointer_part,
    shown,
    size_of,
    type_atoms,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.schema_terms import Bound, Schema

__all__ = ["DIALECT", "SchemaChange", "SchemaFact", "output_change"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SchemaChange: TypeAlias = Literal["added", "loosened", "tightened", "undecided"]

STEPS_LIMIT: Final = 50_000  # parts looked at; a schema of an image may be built to take for ever
PARTS_LIMIT: Final = 50_000  # values within one schema
LEVELS_LIMIT: Final = 64  # of values within values
NESTING_LIMIT: Final = 256  # of JSON within JSON
FACTS_LIMIT: Final = 200
# Keyword, the one that excludes the bound itself, sign, what it is about.
_BOUNDS: Final = (
    ("minimum", "exclusiveMinimum", 1, NUMBERS),
    ("maximum", "exclusiveMaximum", -1, NUMBERS),
    ("minLength", "", 1, frozenset({"string"})),
    ("maxLength", "", -1, frozenset({"string"})),
    ("minItems", "", 1, frozenset({"array"})),
    ("maxItems", "", -1, frozenset({"array"})),
    ("minProperties", "", 1, frozenset({"object"})),
    ("maxProperties", "", -1, frozenset({"object"})),
)
_DECIDED: Final = (
    {"type", "enum", "const", "required", "properties", "additionalProperties", "patternProperties"}
    | {"items", "prefixItems", "uniqueItems", "multipleOf", "$ref"}
    | {name for keyword, exclusive, *_ in _BOUNDS for name in (keyword, exclusive)}
)
_ABSENT: Final = object()
_ANYTHING: Final[dict[str, Any]] = {}  # what `true` says


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFact:
    """One difference that matters to who reads the values.

    Args:
        pointer: JSON Pointer (RFC 6901) into the new schema, or the old one where the place is gone; empty: all of it.
        keyword: empty where the whole schema came or went.
        before: the keyword's value as JSON text, cut to a sentence's length; empty: it was not there.
        after: likewise.
        why: what it means, in half a sentence; may be empty.
    """

    change: SchemaChange
    pointer: str
    keyword: str
    before: str = ""
    after: str = ""
    why: str = ""

    def __str__(self) -> str:
        if self.before and self.after:
            said = f"#{self.pointer} was {self.before} and is now {self.after}"
        else:
            said = f"#{self.pointer}: {self.after} is new" if self.after else f"#{self.pointer}: {self.before} is gone"
        return f"{said}: {self.why}" if self.why else said


def output_change(old: Schema | None, new: Schema | None) -> tuple[SchemaFact, ...]:
    """Return what changed for who reads the values, in the order of the schema; empty: nothing.

    Never raises, whatever the schemas hold: what is malformed, too deep or too large to compare is *undecided*.

    Args:
        old: the schema that callers rely on; None: nothing was promised.
        new: that of the candidate; None: it promises nothing.

    Source:
        JSON Schema 2020-12: Core, section 10, and Validation, section 6.
    """
    if old is None or new is None:
        if old is new:
            return ()
        change: SchemaChange = "added" if old is None else "loosened"
        why = "" if old is None else "nothing is promised any more"
        was, now = ("" if one is None else shown(one) for one in (old, new))
        return (SchemaFact(change=change, pointer="", keyword="", before=was, after=now, why=why),)
    if excess := _excess(old) or _excess(new):
        return (_whole(old, new, excess),)
    if (text := json_text(old)) is not None and text == json_text(new):
        return ()
    facts: list[SchemaFact] = []
    try:
        _Comparison(old, new, facts).compare(old, new, "", 0)
    except _TooLargeError:
        facts.append(_whole(old, new, f"has more than {STEPS_LIMIT} parts to compare, or {FACTS_LIMIT} differences"))
    return tuple(facts)


def _are_within(bound: Bound, sign: int, values: Mapping[Any, Any] | None, *, is_size: bool) -> bool:
    """Tell whether the values are listed and the bound admits all of them, or has nothing to do with them."""
    measured = [
        size_of(one) if is_size else one
        for one in (values or {}).values()
        if is_size or (isinstance(one, int | float) and not isinstance(one, bool))
    ]
    return values is not None and all(bound.admits(sign * one) for one in measured)


class _TooLargeError(Exception):
    """The work is not worth it."""


def _whole(old: Schema, new: Schema, why: str) -> SchemaFact:
    return SchemaFact(change="undecided", pointer="", keyword="", before=shown(old), after=shown(new), why=why)


def _excess(value: object) -> str:
    """Return why `value` is not gone into; empty: it may be."""
    parts, level = 0, [value]
    for _ in range(NESTING_LIMIT):
        inside: list[Any] = []
        for outer in level:
            inside += outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
            if parts + len(inside) > PARTS_LIMIT:
                return f"a schema of more than {PARTS_LIMIT} parts is not compared"
        parts, level = parts + len(inside), inside
        if not level:
            return ""
    return f"a schema nested deeper than {NESTING_LIMIT} is not compared"


class _Comparison:
    """Goes through both schemas side by side and notes the facts."""

    def __init__(self, old: Schema, new: Schema, facts: list[SchemaFact]) -> None:
        self.facts = facts
        self._steps = 0
        self._old, self._new = Document(old, self._step), Document(new, self._step)
        # Pairs that are being compared, by level, or were (-1). A pair that is met again within itself, one level down,
        # holds if the rest does: a value is finite, so the induction over its parts has an end.
        self._seen: dict[tuple[int, int], int] = {}

    def _step(self, parts: int = 1) -> None:
        self._steps += parts
        if self._steps > STEPS_LIMIT:
            raise _TooLargeError

    def _is_same(self, keyword: str, old: object, new: object) -> bool:
        return is_same(keyword, Part(old, self._old), Part(new, self._new))

    def _note(self, change: SchemaChange, place: str, keyword: str, old: object, new: object, why: str = "") -> None:
        before, after = ("" if one is _ABSENT else shown(one) for one in (old, new))
        self.facts.append(
            SchemaFact(change=change, pointer=place, keyword=keyword, before=before, after=after, why=why)
        )
        if len(self.facts) > FACTS_LIMIT:
            raise _TooLargeError

    def _note_keyword(
        self, change: SchemaChange, place: str, keyword: str, old: Mapping[str, Any], new: Mapping[str, Any],
        why: str = "",
    ) -> None:  # fmt: skip
        was, now = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
        self._note(change, place + pointer_part(keyword), keyword, was, now, why)

    def compare(self, old: Schema, new: Schema, place: str, level: int) -> None:
        """Note how the values of `new` differ from those of `old`; `level`: how many values this one lies within."""
        self._step()
        old, _ = self._old.resolved(old, place)
        new, place = self._new.resolved(new, place)
        if old is new:
            return
        if not isinstance(old, dict) or not isinstance(new, dict):
            self._booleans(old, new, place, level)
            return
        pair = (id(old), id(new))
        if pair in self._seen:
            if self._seen[pair] == level or level > LEVELS_LIMIT:
                self._note("undecided", place, "$ref", old, new, "it refers to itself for the same value")
            return
        if level > LEVELS_LIMIT:
            self._note("undecided", place, "", old, new, f"is nested deeper than {LEVELS_LIMIT} values")
            return
        self._seen[pair] = level
        self._dicts(old, new, place, level)
        self._seen[pair] = -1

    def _booleans(self, old: Schema, new: Schema, place: str, level: int) -> None:
        keyword = place.rpartition("/")[2]
        if old is False:
            self._note("loosened", place, keyword, old, new, "nothing was to come here")
        elif new is False:
            self._note("tightened", place, keyword, old, new)
        else:
            self.compare(_ANYTHING if old is True else old, _ANYTHING if new is True else new, place, level)

    def _dicts(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, level: int) -> None:
        depends = [name for name in ("unevaluatedProperties", "unevaluatedItems") if name in old or name in new]
        if depends:  # it depends on every other keyword beside it
            if not self._is_same("", old, new):
                self._note_keyword("undecided", place, depends[0], old, new, "it depends on all that stands beside it")
            return
        if "$ref" in old or "$ref" in new:
            self._references(old, new, place, level)
        try:
            atoms = self._values(old, new, place)
        except MalformedError as error:
            self._note_keyword("undecided", place, str(error), old, new)
            return
        for keyword, exclusive, sign, about in _BOUNDS:
            if atoms & about:
                self._bound((keyword, exclusive), sign, (old, new), place, whole="fraction" not in atoms & about)
        if atoms & NUMBERS:
            self._multiples(old, new, place)
        if "array" in atoms:
            self._arrays(old, new, place, level)
        if "object" in atoms:
            self._objects(old, new, place, level)
        for keyword in sorted((old.keys() | new.keys()) - _DECIDED - ANNOTATIONS - DEFINITIONS - {"$id", "$anchor"}):
            was, now = old.get(keyword, _ABSENT), new.get(keyword, _ABSENT)
            if keyword == "$schema" and all(one in (_ABSENT, DIALECT) for one in (was, now)):
                continue
            if was is _ABSENT or now is _ABSENT or not self._is_same(keyword, was, now):
                self._note_keyword("undecided", place, keyword, old, new)

    def _references(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, level: int) -> None:
        """References that could not be followed, or have keywords beside them."""
        was, now = (
            document.target(one["$ref"]) if "$ref" in one else None
            for document, one in ((self._old, old), (self._new, new))
        )
        if was is None or now is None:
            self._note_keyword("undecided", place, "$ref", old, new, "not both lead to a part of their schema")
            return
        self.compare(was[0], now[0], now[1], level)

    def _values(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> frozenset[str]:
        """Compare type, enum and const; return the kinds of values that the new schema admits."""
        self._step(sum(map(size_of, (old.get("enum"), new.get("enum")))))
        declared, atoms, was, now = type_atoms(old), atoms_of(new), values_of(old), values_of(new)
        if not atoms <= declared:
            self._note_keyword("loosened", place, "type", old, new, "values of another type may come")
        elif was is None and type_atoms(new) < declared:
            self._note_keyword("tightened", place, "type", old, new)
        keyword = next((one for one in ("enum", "const") if one in old), "")
        if keyword:
            assert was is not None  # it lists them
            if now is None:
                self._note_keyword("loosened", place, keyword, old, new, "other values may come")
            elif more := [value for key, value in now.items() if key not in was]:
                self._note_keyword("loosened", place, keyword, old, new, f"{shown(more[0])} may come")
            elif len(now) < len(was):
                self._note_keyword("tightened", place, keyword, old, new)
        elif keyword := next((one for one in ("enum", "const") if one in new), ""):
            self._note_keyword("tightened", place, keyword, old, new)
        return atoms

    def _bound(
        self, names: tuple[str, str], sign: int, schemas: tuple[Mapping[str, Any], Mapping[str, Any]], place: str,
        *, whole: bool,
    ) -> None:  # fmt: skip
        try:
            was, now = (bound_of(one, *names, sign, whole=whole or not names[1]) for one in schemas)
        except MalformedError as error:
            self._note_keyword("undecided", place, str(error), *schemas)
            return
        is_size = not names[1]
        if is_size and sign > 0:  # a length is 0 or more, whatever is said
            was, now = (None if one is None or one.value <= 0 else one for one in (was, now))
        if was == now:
            return
        is_tightened = was is None or (now is not None and now >= was)
        if was is not None and not is_tightened and _are_within(was, sign, values_of(schemas[1]), is_size=is_size):
            return
        keyword = next(one for one in names if one in schemas[1 if is_tightened else 0])
        self._note_keyword("tightened" if is_tightened else "loosened", place, keyword, *schemas)

    def _multiples(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> None:
        was, now = old.get("multipleOf"), new.get("multipleOf")
        if was != now:
            change: SchemaChange = "tightened" if was is None else "loosened" if now is None else "undecided"
            self._note_keyword(change, place, "multipleOf", old, new)

    def _arrays(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, level: int) -> None:
        if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
            change: SchemaChange = "loosened" if old.get("uniqueItems") else "tightened"
            self._note_keyword(change, place, "uniqueItems", old, new)
        first = old.get("prefixItems", []), new.get("prefixItems", [])
        if not self._is_same("prefixItems", *first):
            self._note_keyword("undecided", place, "prefixItems", old, new)
            return
        was, now = old.get("items", True), new.get("items", True)
        if isinstance(was, dict | bool) and isinstance(now, dict | bool):
            self.compare(was, now, f"{place}/items", level + 1)
        else:
            self._note_keyword("undecided", place, "items", old, new)

    def _objects(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, level: int) -> None:
        kinds = (("required", list), ("properties", dict), ("patternProperties", dict))
        for keyword, kind in kinds:
            if not all(isinstance(one.get(keyword, kind()), kind) for one in (old, new)):
                self._note_keyword("undecided", place, keyword, old, new)
                return
        self._step(sum(size_of(one.get(keyword)) for keyword, _ in kinds for one in (old, new)))
        was, now = (list(map(str, one.get("required", []))) for one in (old, new))
        for name in sorted({*was} - {*now}):
            self._note("loosened", f"{place}/required", "required", name, _ABSENT, "it may be missing")
        for name in sorted({*now} - {*was}):
            self._note("tightened", f"{place}/required", "required", _ABSENT, name)
        patterns = [one.get("patternProperties", {}) for one in (old, new)]
        if not self._is_same("patternProperties", *patterns):
            self._note_keyword("undecided", place, "patternProperties", old, new)
        rest = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if not all(isinstance(one, dict | bool) for one in rest):
            self._note_keyword("undecided", place, "additionalProperties", old, new)
            return
        listed = old.get("properties", {}), new.get("properties", {})
        for name in [*listed[1], *(one for one in listed[0] if one not in listed[1])]:
            self._property(name, listed, rest, f"{place}/properties{pointer_part(name)}", level, bool(patterns[1]))
        self.compare(*rest, f"{place}/additionalProperties", level + 1)

    def _property(
        self, name: str, listed: tuple[Mapping[str, Any], Mapping[str, Any]], rest: tuple[Schema, Schema], place: str,
        level: int, has_patterns: bool,
    ) -> None:  # fmt: skip
        was, now = listed[0].get(name, _ABSENT), listed[1].get(name, _ABSENT)
        if not all(one is _ABSENT or isinstance(one, dict | bool) for one in (was, now)):
            self._note("undecided", place, "properties", was, now)
        elif was is not _ABSENT and now is not _ABSENT:
            self.compare(was, now, place, level + 1)
        elif was is _ABSENT and rest[0] is False:
            self._note("loosened", place, "properties", was, now, "only what was listed was to come")
        elif was is _ABSENT:
            self._note("added", place, "properties", was, now)
            if rest[0] not in (True, {}):
                self.compare(rest[0], now, place, level + 1)
        elif has_patterns:
            self._note("undecided", place, "properties", was, now, "patternProperties may say what it holds now")
        elif rest[1] is False:
            self._note("tightened", place, "properties", was, now, "it will not come any more")
        else:
            self._note("loosened", place, "properties", was, now, "nothing says any more what it holds")
