"""Hostile schemas, configs and outputs: a clear refusal, soon, in little memory."""

from __future__ import annotations

import json

import pytest
from child_process import run_child


@pytest.mark.full
def test_each_is_refused_in_a_second_and_64_mb() -> None:
    """Fault C08: they come out of an image, or from whoever may configure; a host must not be held up by either."""
    ran = run_child("crash_hostile_schemas.py")

    assert ran.returncode == 0, ran.stderr
    ended: dict[str, str] = json.loads(ran.stdout)
    assert {name: text for name, text in ended.items() if not text.startswith(("refused: ", "found: "))} == {}
    assert len(ended) > 40


@pytest.mark.control
@pytest.mark.parametrize(
    ("mitigation", "case"),
    [("patterns", "schema: a pattern that explodes"), ("steps", "config: two to the sixtieth")],
    ids=["patterns", "steps"],
)
def test_control_without_a_bound_the_host_is_held_up(mitigation: str, case: str) -> None:
    """Python's own `re`, or a check that counts no steps: the kernel has to end it."""
    ran = run_child("crash_hostile_schemas.py", case, mitigation)

    assert json.loads(ran.stdout)[case].startswith("killed by signal"), ran.stdout
