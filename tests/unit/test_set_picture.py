"""Tests core/set_picture.py: what is drawn of a swap of many, in forms that documents have."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest
from graph_scene import candidate, plugin
from hotgraft.core.expected_pause import ExpectedPause
from hotgraft.core.reload_set import Member, Reason, Refusal
from hotgraft.core.set_picture import REFUSALS_SHOWN, set_dot, set_mermaid
from hotgraft.core.set_plan import PlannedMember, SetPlan
from set_scene import System, incoming

TEXT: Final = r'"(?:[^"\\]|\\.)*"'
DOT_LINE: Final = re.compile(
    rf"    (?:node \[shape=box\];|labelloc=t;|label={TEXT};"
    rf'|{TEXT} \[label={TEXT}(?:, style="filled(?:,dashed)?", fillcolor="#[0-9a-f]{{6}}")?\];'
    rf'|{TEXT} \[label={TEXT}, shape=note, style=filled, fillcolor="#[0-9a-f]{{6}}"\];'
    rf"|{TEXT} -> {TEXT} \[(?:label={TEXT}|style=dashed, arrowhead=none)\];)"
)
WORDS: Final = r'"(?:[A-Za-z0-9 ._/+^~=(),:-]|#[0-9]+;|<br/>)*"'
MERMAID_LINE: Final = re.compile(
    rf"    (?:p\d+\[{WORDS}\]|p\d+ -->\|{WORDS}\| p\d+|r\d+\(\[{WORDS}\]\)|p\d+ -\.- r\d+|pause\(\[{WORDS}\]\)"
    r"|style [pr]\d+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#000(?:,stroke-dasharray:5 4)?)"
)
ZIP = plugin("zip", "codec 1.2")
GAIN = plugin("gain", "gain 1.0", "codec ^1", "log ^1")
BOTH = plugin("both", "", "codec >=1,<3")
ZIP_2 = candidate(ZIP, "2.0.0", "codec 2.0")
GAIN_2 = candidate(GAIN, "1.1.0", "gain 1.1", "codec ^2", "log ^1")
SYSTEM = System(ZIP, plugin("log", "log 1.0"), GAIN, BOTH)
GOES = SYSTEM.plan(incoming(ZIP_2), staged=[incoming(GAIN_2)])
REFUSED = SYSTEM.plan(incoming(ZIP_2))
ALONE = SYSTEM.plan(incoming(candidate(ZIP, "1.3.0", "codec 1.3")))


@pytest.mark.parametrize("plan", [GOES, REFUSED, ALONE], ids=["goes", "refused", "alone"])
def test_every_member_every_need_and_every_refusal_is_drawn(plan: SetPlan) -> None:
    """And each line is one that the format has."""
    drawn, flow = set_dot(plan).splitlines(), set_mermaid(plan).splitlines()
    assert (drawn[0], drawn[-1], flow[0]) == ("digraph hotgraft {", "}", "flowchart TD")
    assert [line for line in drawn[1:-1] if not DOT_LINE.fullmatch(line)] == []
    assert [line for line in flow[1:] if not MERMAID_LINE.fullmatch(line)] == []
    arrows = sum(len(one.member.providers) for one in plan)
    assert sum("-> " in line and "dashed" not in line for line in drawn) == arrows
    assert sum("-->" in line for line in flow) == arrows
    assert sum("shape=note" in line for line in drawn) == sum("([" in line for line in flow) - 1 == len(plan.refusals)


def test_who_is_replaced_by_what_and_who_stays() -> None:
    """A person sees the order, the versions and the reason without any legend."""
    drawn = set_dot(GOES)
    assert '"zip" [label="1. zip 1.0.0 → 2.0.0", style="filled", fillcolor="#ffe08a"];' in drawn
    assert '"both" [label="2. both 1.0.0, bound anew\\nneeds codec >=1,<3' in drawn
    assert '"gain" [label="3. gain 1.0.0 → 1.1.0\\nneeds codec ^1, and zip 2.0.0 offers codec 2.0"' in drawn
    assert '"log" [label="log\\nstays as it is"];' in drawn
    assert 'label="a swap of 3 plugins\\npause: how long calls wait is not known:' in drawn
    assert '"gain" [label="3. gain 1.0.0\\nneeds' in set_dot(REFUSED)


def test_no_name_becomes_syntax() -> None:
    """Descriptors are checked, but who draws trusts nobody: an image may be anybody's."""
    hostile = 'a"]; x --> y\n%% <script>`\\'
    member = Member(
        plugin=hostile, version="<b>", is_candidate=True, is_new=True, reason=Reason.CHANGED, cause="",
        sentence=hostile, providers={hostile: hostile + "2"},
    )  # fmt: skip
    plan = SetPlan(
        members=(PlannedMember(member=member, plan=None, image=hostile, own_refusals=(hostile,)),),
        set_refusals=(Refusal(plugin=hostile, sentence=hostile),),
        pause=ExpectedPause(is_gated=True, unmeasured=(hostile,)),
    )
    assert all(MERMAID_LINE.fullmatch(line) for line in set_mermaid(plan).splitlines()[1:])
    assert all(DOT_LINE.fullmatch(line) for line in set_dot(plan).splitlines()[1:-1])


def test_a_member_with_a_thousand_refusals_is_still_a_picture() -> None:
    """JSON has them all."""
    many = replace(ALONE, members=(replace(ALONE.members[0], own_refusals=("no",) * 1_000),))
    assert set_dot(many).count("shape=note") == REFUSALS_SHOWN + 1
    assert "and 988 more" in set_mermaid(many)
