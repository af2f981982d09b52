"""contract_rules.py: the table is told to users as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hotgraft.core.contract_rules import GROUPS, RULES

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
HEAD = "## Every rule\n"


def drawn() -> str:
    """Return the rules as the page has them."""
    lines = []
    for title, group in GROUPS.items():
        lines += ["", f"### {title}", "", "| what changed | verdict | because |", "|---|---|---|"]
        lines += [f"| {kind.replace('-', ' ')} | {rule.verdict} | {rule.why} |" for kind, rule in group.items()]
    return "\n".join([*lines, ""])


def test_the_page_tells_every_rule_as_the_code_has_it() -> None:
    """A rule that is told otherwise than it is kept misleads whoever plans a release by it."""
    before, head, rules = PAGE.read_text().partition(HEAD)
    if rules != drawn():
        PAGE.with_suffix(".md.new").write_text(before + head + drawn())
        pytest.fail(f"{PAGE} differs from the rules; as they are: {PAGE.with_suffix('.md.new')}")


def test_every_rule_has_one_reason_and_kinds_are_words() -> None:
    """They stand in annotations, JSON and messages."""
    assert len(RULES) == sum(map(len, GROUPS.values()))
    for kind, rule in RULES.items():
        assert kind.replace("-", "").isalpha()
        assert kind == kind.lower()
        assert rule.why
        assert not rule.why.endswith(".")
