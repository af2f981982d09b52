"""A comparison for people: the verdict in plain words, every fact under what it is about, and what to do."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

import click

from hotgraft.cli.diff_layout import WIDTH, draw
from hotgraft.core.contract_rules import Verdict
from hotgraft.core.contract_types import ROOTS_LIMIT
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.core.contract_facts import Comparison, Fact
    from hotgraft.engine.comparison import Compared

__all__ = ["advice", "headline", "report", "who"]

_WORDS: Final = {
    Verdict.IDENTICAL: "the same bytes",
    Verdict.PATCH: "nobody who calls can tell",
    Verdict.MINOR: "there is more, and who calls today keeps running",
    Verdict.UNKNOWN: "nobody can say whether who calls today keeps running",
    Verdict.MAJOR: "who calls today would break",
}
_COLOURS: Final = {Verdict.MAJOR: "red", Verdict.UNKNOWN: "yellow", Verdict.MINOR: "green", Verdict.PATCH: "green"}
# Kinds of facts that a picture of the bytes says nothing about.
_NOT_DRAWN: Final = frozenset(
    {
        "tag-renamed",
        "record-replaced",
        "opaque-renamed",
        "opaque-completed",
        "record-hidden",
        "record-kind-changed",
        "type-unseen",
    }
)
_THROUGH_SHOWN: Final = 3
_LEFT: Final = 9  # columns of the verdict's word


def report(compared: Compared, *, has_colour: bool) -> str:
    """Return the whole report; colours only where somebody sees them."""
    old, new, found = compared.old, compared.new, compared.comparison
    lines = [f"{old.label} → {new.label}", _styled(headline(found), found.verdict, has_colour=has_colour)]
    if found.state_layout_changed:
        lines.append("state layout changed: what the old one holds cannot be handed over as it lies")
    for claim in (*found.claims, *found.release_claims):
        lines += _wrapped(f"claim mismatch: {claim}")
    for subject, facts in _grouped(found.facts).items():
        lines += ["", subject]
        for one in facts:
            lines += _fact(one, subject, has_colour=has_colour)
        lines += _pictures(facts, compared)
    return "\n".join([*lines, "", *_wrapped(f"to do: {advice(found)}")])


def headline(found: Comparison) -> str:
    """Return the verdict in plain words, with how many facts say so."""
    counted = [(len(found.of(one)), one) for one in reversed(Verdict)]
    shown = ", ".join(f"{count} {one}" for count, one in counted if count)
    return f"{found.verdict}: {_WORDS[found.verdict]}" + (f" ({shown})" if shown else "")


def advice(found: Comparison) -> str:
    """Return the next step."""
    claims = (*found.claims, *found.release_claims)
    declare = " and ".join(f"{one.subject} {one.least}" for one in claims)
    if found.verdict is Verdict.MAJOR:
        last = "offer the old major beside the new one, or replace all callers in the same swap"
        return (
            f"take back what broke; or declare {declare}, and {last}" if declare else f"take back what broke, or {last}"
        )
    if found.verdict is Verdict.UNKNOWN:
        look = "look at what is unknown yourself; nothing here says that it is safe"
        return f"{look}; and declare {declare}" if declare else look
    if declare:
        return f"declare {declare}: hosts and consumers go by what is declared"
    return "nothing" if found.verdict is Verdict.IDENTICAL else "reload the provider; consumers keep running"


def _grouped(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """Return the facts by what they are about, the strictest first, as they come."""
    groups: dict[str, list[Fact]] = {}
    for one in facts:
        groups.setdefault(_about(one), []).append(one)
    return groups


def _about(fact: Fact) -> str:
    head, _, rest = fact.subject.partition(", ")
    return f"{head}, {rest.partition(', ')[0]}" if head == "state" and rest else head


def _fact(fact: Fact, subject: str, *, has_colour: bool) -> list[str]:
    """Return what changed, why that matters and whom it concerns."""
    part = fact.subject.removeprefix(subject).removeprefix(", ")
    words = fact.told(part)
    reason = "; ".join(filter(None, (fact.rule, who(fact))))
    first, *more = textwrap.wrap(words, WIDTH - 2 - _LEFT, break_on_hyphens=False)
    word = f"{fact.verdict:<{_LEFT}}"
    beneath = [*more, *textwrap.wrap(reason, WIDTH - 4 - _LEFT, break_on_hyphens=False)]
    lines = [f"  {_styled(word, fact.verdict, has_colour=has_colour)}{first}"]
    return lines + [f"  {'':{_LEFT}}{'' if line in more else '  '}{line}" for line in beneath]


def who(fact: Fact) -> str:
    """Return who relies on it and through what, as far as that is known and the subject does not say it."""
    ways = [str(one) for one in fact.roots]
    count = "many" if len(ways) >= ROOTS_LIMIT else len(ways) - _THROUGH_SHOWN
    more = f" and {count} more" if len(ways) > _THROUGH_SHOWN else ""
    whole = re.split(r"[ ,]+", fact.subject)
    is_of_type = fact.layout is not None or whole[0] == "enum"
    is_said = not ways or (not is_of_type and any(one in whole for one in ways))
    through = "" if is_said else f"through {', '.join(ways[:_THROUGH_SHOWN])}{more}"
    users = f"relied on by {', '.join(fact.consumers)}" if fact.consumers else "met" if through else ""
    return " ".join(filter(None, (users, through)))


def _pictures(facts: Iterable[Fact], compared: Compared) -> list[str]:
    """Return each struct whose bytes these facts concern, before and after."""
    layouts = dict.fromkeys(one.layout for one in facts if one.layout and one.kind not in _NOT_DRAWN)
    lines: list[str] = []
    for layout in layouts:
        assert layout is not None  # filtered above
        was, now = compared.old.types.get(layout[0]), compared.new.types.get(layout[1])
        if isinstance(was, Record) and isinstance(now, Record) and not (was.is_opaque or now.is_opaque):
            lines += ["", *draw(was, now, compared.old.types, compared.new.types)]
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def _styled(text: str, verdict: Verdict, *, has_colour: bool) -> str:
    colour = _COLOURS.get(verdict)
    return click.style(text, fg=colour, bold=verdict is Verdict.MAJOR) if has_colour and colour else text
