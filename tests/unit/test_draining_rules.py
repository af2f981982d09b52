"""core/draining.py: whose word counts, what is out of bounds, and which plugin may leave a call behind."""

from __future__ import annotations

from typing import Any

import pytest
from hotgraft.core.draining import CALL_OFF, LEAVE, DrainRules, check_drain
from hotgraft.core.errors import ConfigError


@pytest.mark.parametrize(
    ("host", "author", "expected"),
    [
        (DrainRules(), DrainRules(), DrainRules()),
        (DrainRules(), DrainRules(deadline_s=2.0, at_deadline=LEAVE), DrainRules(deadline_s=2.0, at_deadline=LEAVE)),
        (DrainRules(deadline_s=1.0), DrainRules(deadline_s=2.0), DrainRules(deadline_s=1.0)),
        (DrainRules(at_deadline=CALL_OFF), DrainRules(at_deadline=LEAVE), DrainRules(at_deadline=CALL_OFF)),
        (DrainRules(queue_limit=0), DrainRules(deadline_s=2.0), DrainRules(queue_limit=0, deadline_s=2.0)),
        (DrainRules(), DrainRules(queue_limit=3), DrainRules()),
    ],
)
def test_the_hosts_word_counts_setting_by_setting(host: DrainRules, author: DrainRules, expected: DrainRules) -> None:
    """An operator overrules one wish of an author without losing the others; a queue limit is the operator's alone."""
    assert host.over(author) == expected


@pytest.mark.parametrize(
    "rules",
    [
        DrainRules(),
        DrainRules(deadline_s=0.001, at_deadline=CALL_OFF, queue_limit=0),
        DrainRules(deadline_s=3600, queue_limit=1 << 31),
    ],
)
@pytest.mark.parametrize("has_state", [False, True])
def test_rules_within_bounds_are_taken(rules: DrainRules, has_state: bool) -> None:
    """Their ends included."""
    check_drain("gain", rules, has_state=has_state)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"deadline_s": 0}, "deadline_s is 0; it must be a number of seconds above 0"),
        ({"deadline_s": -1.0}, "deadline_s is -1.0"),
        ({"deadline_s": float("nan")}, "deadline_s is nan"),
        ({"deadline_s": 3601.0}, "at most 3600"),
        ({"deadline_s": True}, "deadline_s is True"),
        ({"deadline_s": "5"}, "deadline_s is '5'"),
        ({"at_deadline": "stop"}, "at_deadline is 'stop'; it must be one of call off, leave"),
        ({"queue_limit": -1}, "queue_limit is -1; it must be a whole number of callers"),
        ({"queue_limit": 1.5}, "queue_limit is 1.5"),
        ({"queue_limit": True}, "queue_limit is True"),
        ({"queue_limit": (1 << 31) + 1}, "queue_limit is 2147483649"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(wrong: dict[str, Any], sentence: str) -> None:
    """Bad input gets a clear error."""
    with pytest.raises(ConfigError) as caught:
        check_drain("gain", DrainRules(**wrong), has_state=False)
    assert sentence in str(caught.value)
    assert caught.value.on == "gain"


def test_every_violation_is_found() -> None:
    """An operator mends them in one go."""
    rules = DrainRules(deadline_s=0, at_deadline=LEAVE, queue_limit=-1)
    with pytest.raises(ConfigError) as caught:
        check_drain("gain", rules, has_state=True)
    assert len(caught.value.found) == 3


def test_pins_that_have_nothing_to_follow_do_not_move() -> None:
    """The rule did nothing, and who set it waited for pins to come along."""
    with pytest.raises(ConfigError, match='pins is "move" and the plugin has no state that is one for all'):
        check_drain("gain", DrainRules(pins="move"), has_state=False, can_move=False)
    check_drain("gain", DrainRules(pins="wait"), has_state=False, can_move=False)
    check_drain("gain", DrainRules(pins="move"), has_state=True)


def test_a_plugin_with_state_leaves_nobody_behind() -> None:
    """Who is left in the old generation would go on writing to what the new one has."""
    with pytest.raises(ConfigError, match='"leave" and the plugin has state'):
        check_drain("gain", DrainRules(at_deadline=LEAVE), has_state=True)
    check_drain("gain", DrainRules(at_deadline=LEAVE), has_state=False)
