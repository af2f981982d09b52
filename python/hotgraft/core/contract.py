"""Who relies on what a plugin offers, and what of a comparison keeps a candidate out of a host.

`contract_judge` says everything that differs. A host knows more than a file does: who is loaded, what the program said
that it uses, and whether somebody asked to go back. So here the facts become refusals.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from hotgraft.core.contract_interfaces import range_facts
from hotgraft.core.contract_judge import compare
from hotgraft.core.contract_rules import Verdict
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from hotgraft.core.contract_facts import Claim, Comparison, Fact
    from hotgraft.core.surface import Surface

__all__ = ["Consumer", "broken_interfaces", "refusals", "why_not_in_place_of"]

# Dropped features are judged by who uses them, and the host knows that (`features`).
_JUDGED_ELSEWHERE: Final = frozenset({"feature-dropped"})


class Accepts(Protocol):
    """A range of interface versions."""

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Tell whether the range accepts that major and minor."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A loaded plugin that calls an interface of this one: the versions that it accepts, the features that it uses."""

    plugin: str
    interface: str  # the key of the slot it is bound to
    accepts: Accepts
    uses: frozenset[str] = frozenset()


def refusals(
    running: Surface,
    candidate: Surface,
    consumers: Sequence[Consumer] = (),
    *,
    comparison: Comparison,
    goes_back: bool = False,
    allows_unknown: bool = False,
    released: Collection[str] = (),
) -> tuple[str, ...]:
    """Return every reason why `candidate` may not take the place of `running`, one sentence each; empty: it may.

    Args:
        running, candidate: what callers rely on, and would.
        consumers: loaded plugins that call it.
        comparison: of the two.
        goes_back: it is asked for as an earlier version. What the later one added may go then, but only if that is all
            that it did; tables are padded, so who calls a function that is gone is told so.
        allows_unknown: what nobody can decide is no reason.
        released: keys of interfaces whose every caller is replaced in the same swap and fits what is new. They may
            break; what their version claims must be so all the same.
    """
    found, claims = _wrong(
        running, candidate, consumers, comparison, goes_back=goes_back, allows_unknown=allows_unknown
    )
    is_whole = {one.key for one in running.interfaces} <= set(released)
    free = set(released)
    if goes_back:  # what comes again, of an interface that went with its callers
        names, known = {_name(key) for key in released}, {one.key for one in running.interfaces}
        free |= {one.key for one in candidate.interfaces if _name(one.key) in names and one.key not in known}
    held = [one for one in found if not _is_released(one, free, is_whole=is_whole)]
    told = set(held)
    untold = (one for one in claims if not told.issuperset(one.facts))  # a break needs no second sentence
    # Going back is judged by the step forward, and told as that.
    step = (
        f"the step from {candidate.version} to {running.version} was none that can be taken back: " if goes_back else ""
    )
    sentences = (f"{'' if one.kind == 'range-unmet' else step}{_sentence(one)}" for one in held)
    return (*sentences, *(f"claim mismatch: {one}" for one in untold))


def _is_released(fact: Fact, released: Collection[str], *, is_whole: bool) -> bool:
    """Tell whether only callers meet it who are replaced; `is_whole`: of all interfaces the callers are such."""
    if fact.roots:
        return {one.interface for one in fact.roots} <= set(released)
    return is_whole and fact.kind.startswith(("constant-", "code-"))  # callers are compiled with it


def broken_interfaces(
    running: Surface,
    candidate: Surface,
    consumers: Sequence[Consumer] = (),
    *,
    comparison: Comparison,
    goes_back: bool = False,
    allows_unknown: bool = False,
) -> frozenset[str]:
    """Return the keys of the interfaces that `candidate` offers and of which it breaks what callers rely on.

    As `refusals` judges it; but a range that is not met is no break: it says what its consumer accepts.
    """
    offered = {one.key for one in candidate.interfaces}
    found, _ = _wrong(running, candidate, consumers, comparison, goes_back=goes_back, allows_unknown=allows_unknown)
    return frozenset(key for one in found if one.kind != "range-unmet" for key in one.interfaces if key in offered)


def _wrong(
    running: Surface,
    candidate: Surface,
    consumers: Sequence[Consumer],
    comparison: Comparison,
    *,
    goes_back: bool,
    allows_unknown: bool,
) -> tuple[list[Fact], tuple[Claim, ...]]:
    """Return what stands against the candidate, and the claims of its versions."""
    facts, claims = comparison.facts, comparison.claims
    if goes_back:
        facts, claims = (*compare(candidate, running).facts, *range_facts(candidate, consumers)), ()
    wrong = {Verdict.MAJOR} if allows_unknown else {Verdict.MAJOR, Verdict.UNKNOWN}
    return [one for one in facts if one.verdict in wrong and one.kind not in _JUDGED_ELSEWHERE], claims


def why_not_in_place_of(borrower: Surface, provider: Surface) -> tuple[str, ...]:
    """Return every reason why the functions of `provider` cannot answer who calls `borrower`; empty: they can."""
    facts = compare(_callable(borrower), _callable(provider)).facts
    return tuple(_sentence(one) for one in facts if one.verdict.rank >= Verdict.UNKNOWN.rank)


def _callable(surface: Surface) -> Surface:
    """Return what of a surface concerns calls alone."""
    return replace(
        surface,
        version="",
        constants={},
        requires=(),
        features=(),
        permissions=(),
        config_schema={},
        outputs={},
        state=None,
        state_type="",
    )


def _name(key: str) -> str:
    return key.partition("/")[0]


def _sentence(fact: Fact) -> str:
    return "; ".join([_words(fact), *_who(fact)])


def _words(fact: Fact) -> str:
    """Return a fact as what is wrong with the candidate."""
    root = fact.roots[0] if fact.roots else None
    if fact.kind == "function-removed" and root is not None and root.interface:
        return f'lacks function "{root.name}" (interface {root.interface})'
    if fact.kind == "interface-removed" and root is not None:
        return f"no longer offers interface {root.interface} (it offers {fact.after or 'none of that name'})"
    return f"{fact}: {fact.rule}"


def _who(fact: Fact) -> Iterator[str]:
    if fact.consumers and fact.kind != "range-unmet":  # which says so itself
        yield f"relied on by {', '.join(fact.consumers)}"
