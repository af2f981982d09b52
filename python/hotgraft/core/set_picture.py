"""The plan of a swap of many as a picture: Mermaid and DOT, with who is replaced, in which order, why, and by whom.

Names are no more trusted than in `graph_picture`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.graph_picture import plain, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.set_plan import PlannedMember, SetPlan

__all__ = ["set_dot", "set_mermaid"]

REFUSALS_SHOWN: Final = 12  # of one plugin; JSON has them all
_WIDTH: Final = 48  # characters of a line in a box
_CANDIDATE: Final = "#ffe08a"
_ANEW: Final = "#ffffff"
_REFUSED: Final = "#ffc9c9"


@dataclass(frozen=True, slots=True)
class _Box:
    """One plugin: the lines in its box, and how it is filled; empty: it stays as it is."""

    lines: tuple[str, ...]
    fill: str = ""
    is_dashed: bool = False


def set_mermaid(plan: SetPlan) -> str:
    """Return a Mermaid flowchart: an arrow from each member to who will serve its needs.

    Members are numbered in the order in which they are started. One that gets a candidate is filled, one that is bound
    anew in its own image is dashed, what is refused is red.
    """
    boxes = _boxes(plan)
    ids = {name: f"p{number}" for number, name in enumerate(boxes)}
    lines = ["flowchart TD"]
    lines += [f'    {ids[name]}["{"<br/>".join(map(plain, box.lines))}"]' for name, box in boxes.items()]
    lines += [f'    {ids[who]} -->|"{plain(what)}"| {ids[provider]}' for who, what, provider in _arrows(plan)]
    for number, (name, reason) in enumerate(_refused(plan)):
        text = "<br/>".join(map(plain, _wrapped(f"refused: {reason}")))
        lines.append(f'    r{number}(["{text}"])')
        lines += [f"    {ids[name]} -.- r{number}"] if name in ids else []
        lines.append(f"    style r{number} fill:{_REFUSED},stroke:#a00000,color:#000")
    for name, box in boxes.items():
        dashes = ",stroke-dasharray:5 4" if box.is_dashed else ""
        lines += [f"    style {ids[name]} fill:{box.fill},stroke:#806000,color:#000{dashes}"] if box.fill else []
    note = "<br/>".join(map(plain, _wrapped(f"pause: {plan.pause}")))
    return "\n".join([*lines, f'    pause(["{note}"])'])


def set_dot(plan: SetPlan) -> str:
    """Return a DOT digraph of the same."""
    lines = ["digraph hotgraft {", "    node [shape=box];", "    labelloc=t;"]
    title = "\n".join((plan.title, *_wrapped(f"pause: {plan.pause}")))
    lines.append(f"    label={quoted(title)};")
    for name, box in _boxes(plan).items():
        style = f', style="filled{",dashed" if box.is_dashed else ""}", fillcolor="{box.fill}"' if box.fill else ""
        lines.append(f"    {quoted(name)} [label={quoted(chr(10).join(box.lines))}{style}];")
    for who, what, provider in _arrows(plan):
        lines.append(f"    {quoted(who)} -> {quoted(provider)} [label={quoted(what)}];")
    for number, (name, reason) in enumerate(_refused(plan)):
        where = quoted(f"refused {number}")  # no plugin has a space in its name
        text = quoted("\n".join(_wrapped(f"refused: {reason}")))
        lines.append(f'    {where} [label={text}, shape=note, style=filled, fillcolor="{_REFUSED}"];')
        if name in plan:
            lines.append(f"    {quoted(name)} -> {where} [style=dashed, arrowhead=none];")
    return "\n".join([*lines, "}"])


def _boxes(plan: SetPlan) -> Mapping[str, _Box]:
    """Return a box for each member, in their order, then for each plugin that serves one of them and stays."""
    unmet = {one.plugin for one in plan.set_refusals}
    boxes = {
        one.plugin: _member_box(number, one, is_refused=one.plugin in unmet or bool(one.refusals))
        for number, one in enumerate(plan.members, start=1)
    }
    for one in plan.members:
        for provider in one.member.providers.values():
            boxes.setdefault(provider, _Box((provider, "stays as it is")))
    return boxes


def _member_box(number: int, one: PlannedMember, *, is_refused: bool) -> _Box:
    member, plan = one.member, one.plan
    if plan is None:
        title = f"{number}. {member.plugin} {member.version}, loaded"
    elif member.is_candidate:
        title = f"{number}. {member.plugin} {plan.version} → {member.version}"
    else:
        title = f"{number}. {member.plugin} {member.version}" + ("" if is_refused else ", bound anew")
    is_said = member.sentence in title or member.is_new  # what changed is in its title
    why = () if is_said else tuple(_wrapped(member.sentence))
    fill = _REFUSED if is_refused else _CANDIDATE if member.is_candidate else _ANEW
    return _Box((title, *why), fill, not member.is_candidate)


def _arrows(plan: SetPlan) -> Iterator[tuple[str, str, str]]:
    for one in plan.members:
        for interface, provider in one.member.providers.items():
            yield one.plugin, interface, provider


def _refused(plan: SetPlan) -> Iterator[tuple[str, str]]:
    for one in plan.members:
        yield from ((one.plugin, reason) for reason in one.refusals[:REFUSALS_SHOWN])
        if (more := len(one.refusals) - REFUSALS_SHOWN) > 0:
            yield one.plugin, f"and {more} more"
    yield from ((one.plugin, str(one)) for one in plan.set_refusals)


def _wrapped(text: str) -> Iterator[str]:
    """Return a sentence in lines that a box has room for; a word that is longer has a line of its own."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".lstrip()
    if line:
        yield line
