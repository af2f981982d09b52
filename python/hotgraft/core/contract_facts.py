"""One difference between two surfaces, and what a comparison comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hotgraft.core.contract_rules import RULES, Verdict
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Claim", "Comparison", "Fact", "Root", "strictest_first"]


_SHOWN: Final = 160  # characters of what was and of what is now, in words; JSON has all of it

# How kinds call what a subject calls otherwise.
_ALSO_CALLED: Final = {
    "member": ("state field", "union member"),
    "value": ("enum value",),
    "state": ("state",),
}


class Root(NamedTuple):
    """Where callers get in: a function or variable, and the key of its interface.

    Without a key it is exported by name; without a name it is the whole interface.
    """

    interface: str
    name: str

    def __str__(self) -> str:
        return ".".join(filter(None, (self.interface, self.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One difference: what kind, of what, from what to what, and who relies on it."""

    kind: str  # a key of RULES
    subject: str  # "gain/1.process, parameter 2 (n)", "struct point, member x"
    before: str = ""  # empty: it was not there
    after: str = ""
    roots: tuple[Root, ...] = ()  # through what callers meet it; empty: it concerns the whole
    consumers: tuple[str, ...] = ()  # plugins known to be bound there; empty: none is known
    layout: tuple[str, str] | None = None  # the struct or union before and after, where its bytes are concerned

    @property
    def verdict(self) -> Verdict:
        """What this difference alone comes to."""
        return RULES[self.kind].verdict

    @property
    def rule(self) -> str:
        """Why it comes to that."""
        return RULES[self.kind].why

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The keys of the interfaces through which callers meet it, without those exported by name."""
        return tuple(dict.fromkeys(one.interface for one in self.roots if one.interface))

    @property
    def change(self) -> str:
        """What was and what is now: ``i32 → i64``; one of them alone where there is no other."""
        if self.before == self.after:
            return f"{self.before}, its members differ" if self.before else ""
        arrow = ", now " if "->" in self.before + self.after else " → "  # two kinds of arrows are not read
        pairs = zip(self.before, self.after, strict=False)
        at = next((place for place, (was, now) in enumerate(pairs) if was != now), 0)
        return arrow.join(_near(text, at) for text in (self.before, self.after) if text)

    def told(self, of: str) -> str:
        """Return it as words about `of`, the subject or a part of it: ``parameter 1 (by) retyped: i32 → i64``."""
        words = self.kind.replace("-", " ").replace("callback", "call-back")
        word = of.rpartition(", ")[2].partition(" ")[0]
        for known in (*_ALSO_CALLED.get(word, ()), of, word):
            rest = words.removeprefix(f"{known} ")
            if known and rest != words:
                words = f"{of} {rest}"
                break
        else:
            words = f"{of}: {words}" if of else words
        is_said = self.change == of.rpartition(" ")[2]  # what came or went is its own name
        return f"{words}: {self.change}" if self.change and not is_said else words

    def __str__(self) -> str:
        return self.told(self.subject)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "kind": self.kind,
            "verdict": self.verdict.value,
            "subject": self.subject,
            "before": self.before or None,
            "after": self.after or None,
            "rule": self.rule,
            "through": [str(one) for one in self.roots],
            "consumers": list(self.consumers),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A declared step that promises more than the facts keep."""

    subject: str  # "interface gain", "plugin", "state schema"
    before: str
    declared: str
    least: str  # the lowest version that would be honest
    facts: tuple[Fact, ...]  # that say so

    def __str__(self) -> str:
        step = f"stays {self.declared}" if self.before == self.declared else f"{self.before} → {self.declared}"
        more = f" and {len(self.facts) - 1} more" if len(self.facts) > 1 else ""
        return f"{self.subject} {step}, and the facts ask for {self.least}: {self.facts[0]}{more}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "subject": self.subject,
            "before": self.before,
            "declared": self.declared,
            "least": self.least,
            "facts": [str(one) for one in self.facts],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the new comes to for those who rely on the old."""

    verdict: Verdict
    state_layout_changed: bool
    facts: tuple[Fact, ...]  # the strictest first
    claims: tuple[Claim, ...] = ()  # interfaces whose declared version is looser than the facts
    release_claims: tuple[Claim, ...] = ()  # the same of the plugin's own version and state schema; for releases

    def of(self, verdict: Verdict) -> tuple[Fact, ...]:
        """Return the facts that alone come to `verdict`."""
        return tuple(one for one in self.facts if one.verdict is verdict)


def _near(text: str, at: int) -> str:
    """Return a text, or of a long one what is around the place where it differs."""
    if len(text) <= _SHOWN:
        return text
    begin = max(min(at, len(text) - _SHOWN) - _SHOWN // 3, 0)
    return "…" * (begin > 0) + text[begin : begin + _SHOWN] + "…" * (begin + _SHOWN < len(text))


def strictest_first(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return each fact once, the strictest first, otherwise in the order they were found in."""
    return tuple(sorted(dict.fromkeys(facts), key=lambda one: -one.verdict.rank))
