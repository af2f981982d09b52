"""A host's settings are bounded and misspelled ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hotgraft.core.errors import ConfigError
from hotgraft.core.options import Options, make_options


def test_defaults_need_nothing() -> None:
    """A host without settings works."""
    assert make_options({}) == Options()


def test_every_wrong_setting_is_named_with_what_was_meant() -> None:
    """All violations at once, the nearest name for a typing error."""
    with pytest.raises(ConfigError) as caught:
        make_options({"swap_deadline": 1, "settle_deadline_s": 0, "staging_folder": 3})

    assert len(caught.value.found) == 3
    assert "did you mean 'swap_deadline_s'" in caught.value.found[0]


def test_a_journal_is_a_path_or_none() -> None:
    """`Host(journal=None)` says what the default is."""
    assert make_options({"journal": Path("records")}).journal == "records"
    assert make_options({"journal": None}) == Options()
    with pytest.raises(ConfigError, match="journal is 3"):
        make_options({"journal": 3})


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), 1e10, 10**400, True, "5", None])
def test_a_duration_is_a_finite_number_above_zero(value: object) -> None:
    """An endless or empty deadline is how a program comes to hang; one beyond all clocks, to fail at its first wait."""
    with pytest.raises(ConfigError, match="swap_deadline_s"):
        make_options({"swap_deadline_s": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("probe", "on"),
        ("probe", True),
        ("probe_changes", "off"),
        ("probe_state_bytes", -1),
        ("probe_memory_bytes", 0.5),
    ],
)
def test_a_setting_of_the_probe_is_one_of_its_words_or_whole_bytes(name: str, value: object) -> None:
    """A probe that somebody meant to have, and does not, is found out when it would have been needed."""
    with pytest.raises(ConfigError, match=name):
        make_options({name: value})


def test_a_schedule_may_be_none_and_never_below_that() -> None:
    """0 is how a period says that there is none; for a deadline it would be one that has always passed."""
    assert make_options({"health_every_s": 0}).health_every_s == 0
    assert make_options({"health_every_s": 0.5}).health_every_s == 0.5
    for value in (-1, float("nan"), False, None):
        with pytest.raises(ConfigError, match=r"health_every_s is .* 0 or more"):
            make_options({"health_every_s": value})
    with pytest.raises(ConfigError, match=r"health_deadline_s is 0; .* above 0"):
        make_options({"health_deadline_s": 0})
