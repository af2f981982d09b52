"""What each kind of change means for those who rely on what was before: the table, as data.

One kind has one verdict. Where the same change of a source file is harmless to some and fatal to others (an enum's new
value that is only taken, or also answered), there are two kinds. `docs/contract.md` is drawn from this table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["GROUPS", "RULES", "STATE_KINDS", "Rule", "Verdict", "strictest"]


class Verdict(StrEnum):
    """What a change comes to; the later, the stricter. What cannot be seen is stricter than what is seen to be safe."""

    IDENTICAL = "identical"  # the same bytes
    PATCH = "patch"  # nobody who calls can tell
    MINOR = "minor"  # there is more; who calls today keeps running
    UNKNOWN = "unknown"  # nobody can say
    MAJOR = "major"  # who calls today would break

    @property
    def rank(self) -> int:
        """How strict it is, from 0."""
        return _ORDER.index(self)


_ORDER: Final = tuple(Verdict)


def strictest(verdicts: Iterable[Verdict], *, least: Verdict = Verdict.IDENTICAL) -> Verdict:
    """Return the strictest of `verdicts`, and `least` at least."""
    return max((least, *verdicts), key=lambda one: one.rank)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of change means, and the one reason for it."""

    verdict: Verdict
    why: str


_PATCH, _MINOR, _UNKNOWN, _MAJOR = Verdict.PATCH, Verdict.MINOR, Verdict.UNKNOWN, Verdict.MAJOR

_FUNCTIONS: Final = {
    "interface-added": Rule(_MINOR, "nobody calls it yet"),
    "interface-removed": Rule(_MAJOR, "callers are bound to it; offer the old major beside the new one"),
    "interface-shrunk": Rule(_MAJOR, "callers read functions up to the size that it had"),
    "interface-grown": Rule(_PATCH, "there is room for more, and nothing in it yet"),
    "version-changed": Rule(_PATCH, "within a major only what it offers counts"),
    "unstable-step": Rule(_MAJOR, "below 1.0 a new minor counts as a new major: nothing is promised across it"),
    "range-unmet": Rule(_MAJOR, "the consumer's range does not accept it; replace the consumer in the same swap"),
    "function-appended": Rule(_MINOR, "callers ask for the size before they look beyond what they know"),
    "function-inserted": Rule(_MAJOR, "it lies where callers know another function or an end"),
    "function-added": Rule(_MINOR, "nobody calls it yet"),
    "function-removed": Rule(_MAJOR, "callers call it"),
    "function-moved": Rule(_MAJOR, "callers read the pointer at its old place"),
    "parameter-count-changed": Rule(_MAJOR, "callers pass as many as before"),
    "parameter-retyped": Rule(_MAJOR, "callers pass what it was"),
    "parameter-renamed": Rule(_PATCH, "callers count parameters by their place"),
    "parameters-swapped": Rule(_UNKNOWN, "the names changed places and the types did not: perhaps the meaning did too"),
    "parameter-const-added": Rule(_MINOR, "the function promises more: it no longer writes there"),
    "parameter-const-dropped": Rule(_MAJOR, "it may write where callers pass what must not be written"),
    "direction-changed": Rule(_MAJOR, "callers fill, or read, what the other direction needed"),
    "buffer-count-changed": Rule(_MAJOR, "callers pass a buffer of the old count"),
    "buffer-needs-less": Rule(_MINOR, "less of what callers pass is read"),
    "parameter-may-be-null": Rule(_MINOR, "what was passed is still accepted"),
    "parameter-not-null": Rule(_MAJOR, "callers may pass NULL"),
    "prototype-said": Rule(_PATCH, "it takes nothing, and says so now"),
    "prototype-unseen": Rule(_UNKNOWN, "without a prototype nobody knows what is passed"),
    "variadic-changed": Rule(_MAJOR, "arguments are passed another way"),
    "result-retyped": Rule(_MAJOR, "callers read what it was"),
    "result-const-added": Rule(_MAJOR, "callers may write to it"),
    "result-const-dropped": Rule(_MINOR, "callers who only read still may"),
    "result-count-changed": Rule(_MAJOR, "callers read as many elements as before"),
    "result-may-be-null": Rule(_MAJOR, "callers do not look for NULL"),
    "result-not-null": Rule(_MINOR, "callers look for NULL in vain"),
    "ownership-changed": Rule(_MAJOR, "callers free, or keep, what they no longer may"),
    "thread-rule-stricter": Rule(_MAJOR, "callers call it as the old rule allowed"),
    "thread-rule-looser": Rule(_MINOR, "the function promises more"),
    "since-changed": Rule(_PATCH, "a note for readers; what is offered decides"),
    "variable-added": Rule(_MINOR, "nobody uses it yet"),
    "variable-removed": Rule(_MAJOR, "callers use it"),
    "variable-retyped": Rule(_MAJOR, "callers read and write what it was"),
    "variable-const-added": Rule(_MAJOR, "callers may write to it, and it would lie in memory that cannot be written"),
    "variable-const-dropped": Rule(_MINOR, "callers who only read still may"),
    "constant-added": Rule(_MINOR, "nobody uses it yet"),
    "constant-removed": Rule(_MAJOR, "callers are compiled with it"),
    "number-moved": Rule(_PATCH, "the same name stands for the same number; a macro or an enum, callers cannot tell"),
    "constant-changed": Rule(_MAJOR, "callers are compiled with its old value"),
    "code-added": Rule(_MINOR, "nobody is compiled with it yet"),
    "code-removed": Rule(_MAJOR, "callers are compiled with it, and it reaches into what may have gone too"),
    "code-changed": Rule(_MAJOR, "callers are compiled with the old code, which goes on with what is new"),
}  # fmt: skip
_TYPES: Final = {
    "size-changed": Rule(_MAJOR, "callers make room for its old size"),
    "alignment-changed": Rule(_MAJOR, "callers place it by its old alignment"),
    "record-replaced": Rule(_UNKNOWN, "the tag and members have other names: perhaps another thing of the same bytes"),
    "tag-renamed": Rule(_PATCH, "the same bytes under another name"),
    "opaque-renamed": Rule(_UNKNOWN, "neither side shows what is behind the name"),
    "opaque-completed": Rule(_PATCH, "callers only hold pointers to it"),
    "record-hidden": Rule(_MAJOR, "callers make it and read it themselves"),
    "record-kind-changed": Rule(_MAJOR, "a struct's members lie one after another, a union's in one place"),
    "member-removed": Rule(_MAJOR, "callers use it"),
    "member-moved": Rule(_MAJOR, "callers read it at its old place"),
    "member-retyped": Rule(_MAJOR, "callers read what it was"),
    "member-const-added-to-input": Rule(_MINOR, "what callers point to is no longer written to"),
    "member-const-dropped-from-output": Rule(_MINOR, "callers who only read still may"),
    "member-bits-changed": Rule(_MAJOR, "callers read the bits that it had"),
    "member-renamed": Rule(_MINOR, "the same bytes; sources name it anew when they are compiled again"),
    "member-appended": Rule(_MINOR, "the struct begins with its size, and lies alone behind a pointer"),
    "member-added-unseen": Rule(_MINOR, "it lies where nothing was, and callers only read the struct"),
    "member-added": Rule(_MAJOR, "callers make the struct without it, or step over it by its old size"),
    "union-member-added-to-input": Rule(_MINOR, "callers go on to pass what they know"),
    "union-member-added-to-output": Rule(_MAJOR, "callers may be given what they cannot read"),
    "member-named-twice": Rule(_MINOR, "another name for the same bytes of the same type"),
    "reserved-changed": Rule(_PATCH, "nobody uses what is reserved"),
    "array-length-changed": Rule(_MAJOR, "callers make, or read, as many elements as before"),
    "atomic-changed": Rule(_MAJOR, "callers read and write it the other way"),
    "callback-changed": Rule(_MAJOR, "callers pass a function of the old type"),
    "enum-type-changed": Rule(_MAJOR, "callers pass and read an integer of the old width"),
    "enum-value-added-to-input": Rule(_MINOR, "callers go on to pass the values that they know"),
    "enum-value-added-to-output": Rule(_MAJOR, "callers may be given a value that they do not know"),
    "enum-value-removed": Rule(_MAJOR, "callers use it"),
    "enum-value-changed": Rule(_MAJOR, "callers are compiled with its old number"),
    "enum-value-renamed": Rule(_MINOR, "the same number; sources name it anew when they are compiled again"),
    "enum-value-named-twice": Rule(_MINOR, "another name for a number that callers know"),
    "type-unseen": Rule(_UNKNOWN, "there is no word for this type, so nobody can say whether it is still the same"),
    "unused-type-added": Rule(_MINOR, "nothing reaches it yet"),
    "unused-type-changed": Rule(_PATCH, "nothing that callers use reaches it"),
    "unused-type-removed": Rule(_MINOR, "nothing that callers use reaches it"),
    "type-behind-void-changed": Rule(_UNKNOWN, "it may cross through a void pointer"),
    "type-behind-void-removed": Rule(_UNKNOWN, "it may cross through a void pointer"),
    "unseen": Rule(_UNKNOWN, "what cannot be seen cannot be compared"),
}  # fmt: skip
_PROMISES: Final = {
    "requirement-added": Rule(_MINOR, "it needs more: decides what else is replaced, not who can call it"),
    "requirement-tightened": Rule(_MINOR, "it needs more: decides what else is replaced, not who can call it"),
    "requirement-loosened": Rule(_MINOR, "it goes with more than before"),
    "requirement-reworded": Rule(_PATCH, "the range accepts the same versions"),
    "option-added": Rule(_PATCH, "it goes without"),
    "feature-added": Rule(_MINOR, "nobody uses it yet"),
    "feature-dropped": Rule(_MAJOR, "callers may use it"),
    "feature-dropped-unused": Rule(_MINOR, "none of those who call it uses it"),
    "permission-added": Rule(_MINOR, "it waits for a grant, and does not go in without"),
    "permission-dropped": Rule(_PATCH, "it asks for less"),
    "config-schema-changed": Rule(_PATCH, "whether the live config still validates is asked when it is loaded"),
    "output-added": Rule(_MINOR, "a guarantee where there was none"),
    "output-removed": Rule(_MAJOR, "callers rely on what it guarantees"),
    "output-extended": Rule(_MINOR, "everything that was guaranteed still is, and there is more to read"),
    "output-tightened": Rule(_MINOR, "everything that was guaranteed still is, and more"),
    "output-loosened": Rule(_MAJOR, "callers rely on what was guaranteed"),
    "output-reworded": Rule(_PATCH, "it guarantees the same"),
    "output-undecided": Rule(_UNKNOWN, "the two schemas are written in ways that cannot be compared"),
    "abi-raised": Rule(_PATCH, "concerns the host that loads it, not who calls it"),
    "abi-lowered": Rule(_PATCH, "hosts that were too old for it before can load it"),
    "abi-replaced": Rule(_MAJOR, "another major of the plugin ABI: hosts of the old one cannot load it"),
}  # fmt: skip
_STATE: Final = {
    "state-added": Rule(_PATCH, "it begins fresh; callers never see state"),
    "state-dropped": Rule(_PATCH, "lossy: what it holds ends with the generation"),
    "state-schema-changed": Rule(_PATCH, "the same bytes would mean something else; it crosses by save and restore"),
    "state-layout-changed": Rule(_PATCH, "converted by name, or saved and restored, instead of handed over"),
    "state-field-added": Rule(_PATCH, "it is converted by name; this field begins with its default"),
    "state-field-removed": Rule(_PATCH, "lossy: there is no place for what it holds, and that needs consent (dropped)"),
    "state-field-moved": Rule(_PATCH, "converted by name, or saved and restored, instead of handed over"),
    "state-field-retyped": Rule(_PATCH, "it is converted by name, value by value; what does not fit refuses the swap"),
    "state-field-renamed": Rule(_PATCH, "the same bytes, that may mean something else"),
    "state-way-added": Rule(_PATCH, "one more way across"),
    "state-way-dropped": Rule(_PATCH, "one way across less"),
}  # fmt: skip
STATE_KINDS: Final = frozenset(_STATE)
# By what a change is of, as the documentation has them.
GROUPS: Final[Mapping[str, Mapping[str, Rule]]] = {
    "Interfaces, functions, variables, constants": _FUNCTIONS,
    "Types": _TYPES,
    "What a plugin declares": _PROMISES,
    "State": _STATE,
}
RULES: Final[Mapping[str, Rule]] = {kind: rule for group in GROUPS.values() for kind, rule in group.items()}
