"""The swap protocol holds in the model, and the model notices when a rule of it is taken out."""

from __future__ import annotations

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from cases import CASES, Case
from run import missing_tool, search

pytestmark = [pytest.mark.full, pytest.mark.timeout(1000)]


def check(case: Case) -> None:
    """Search one case; the finding must be the expected one, for the expected reason."""
    if reason := missing_tool():
        pytest.skip(reason)
    assert search(case).found == case.expected


@pytest.mark.parametrize("case", [c for c in CASES if not c.is_fault], ids=lambda case: case.name)
def test_right_protocol_is_clean(case: Case) -> None:
    """Whoever keeps the numbered rules gets what was promised, in every order of events and stores."""
    check(case)


@pytest.mark.control
@pytest.mark.parametrize("case", [c for c in CASES if c.is_fault], ids=lambda case: case.name)
def test_protocol_without_one_rule_is_found_broken(case: Case) -> None:
    """A model that stays clean without the rule would say nothing about the rule."""
    check(case)
