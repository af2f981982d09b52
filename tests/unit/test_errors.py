"""Tests core/errors.py: the four answers, and that every class survives pickling."""

from __future__ import annotations

import pickle

import pytest
from hotgraft.core import errors
from hotgraft.core.errors import (
    BuildError,
    DrainTimeout,
    HotgraftError,
    PluginError,
    SwapTimeout,
    UnknownPlugin,
)

CLASSES = [getattr(errors, name) for name in errors.__all__]


def make(kind: type[HotgraftError]) -> HotgraftError:
    return kind(
        "load generation 4",
        on="filter",
        found=("a", "b"),
        advice="rebuild it",
        running="generation 3 still serves",
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_answers_all_questions_in_its_text(kind: type[HotgraftError]) -> None:
    """An operator reads only the text; each answer must be in it, whatever other base a class has."""
    assert str(make(kind)) == (
        "filter: could not load generation 4; generation 3 still serves\n  - a\n  - b\n  to do: rebuild it"
    )


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_survives_pickling_with_its_attributes(kind: type[HotgraftError]) -> None:
    """Worker processes raise these; a copy that lost its attributes could not be decided by."""
    error = make(kind)
    error.add_note("seen twice")

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert copy.__dict__ == error.__dict__
    assert copy.args == error.args
    assert str(copy) == str(error)


def test_one_reason_stands_on_the_first_line() -> None:
    """The common case must fit a log line."""
    error = HotgraftError(
        "load generation 4", on="filter", found='lacks function "flush"', running="generation 3 still serves"
    )

    assert str(error) == 'filter: could not load generation 4: lacks function "flush"; generation 3 still serves'
    assert error.found == ('lacks function "flush"',)


def test_an_error_without_answers_is_still_a_sentence() -> None:
    """Nothing may be lost to an empty attribute."""
    assert str(HotgraftError("open the host")) == "could not open the host"


def test_special_attributes_survive_pickling() -> None:
    """The decision often hangs on the code, not on the class."""
    error = PluginError("call", on="gain", code=-3, function="process", domain="errno", domain_code=22)

    copy = pickle.loads(pickle.dumps(error))

    assert (copy.code, copy.function, copy.domain, copy.domain_code) == (-3, "process", "errno", 22)


def test_the_compilers_text_is_unchanged_at_the_end() -> None:
    """Editors parse file:line:column out of it."""
    text = "gain.c:3:1: error: expected ';'\n    3 | }\n      | ^\n"

    assert str(BuildError("compile gain", on="gain.c", output=text)).endswith("\n" + text)


def test_bases_follow_what_callers_catch() -> None:
    """`except KeyError` around a lookup and `except SwapTimeout` around a swap are natural."""
    assert issubclass(UnknownPlugin, KeyError)
    assert issubclass(DrainTimeout, SwapTimeout)
    assert all(issubclass(kind, HotgraftError) for kind in CLASSES)
