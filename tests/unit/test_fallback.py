"""core/fallback.py: which answers a constant can give, and how they are handed to the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from call_scene import function
from hotgraft.core.breaker import RetryRules
from hotgraft.core.descriptor import Interface
from hotgraft.core.errors import ConfigError
from hotgraft.core.fallback import ANSWERS_MOST, Fallback, answers_of, check_fallback

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNATURES = (
    "process(f32* in in(n), u64 n) -> status",
    "fill(f32* out out(n), u64 n) -> status",
    "gain() -> f32",
    "level() -> f64",
    "count(i64 by) -> i64",
    "mask() -> u64",
    "byte() -> u8",
    "reset() -> void",
    "name() -> char copied",
)


def interface(*signatures: str) -> Interface:
    """An interface of these functions, in this order."""
    functions = [function(text, index=index) for index, text in enumerate(signatures)]
    for one in functions:
        del one["interface_index"]
    value = {
        "interface": "gain",
        "version": [1, 0],
        "struct": "gain_v1",
        "bytes": 8 + 8 * len(functions),
        "functions": functions,
    }
    return msgspec.convert(value, Interface)


GAIN = interface(*SIGNATURES)


def test_answers_are_handed_over_by_place_and_register() -> None:
    """An integer goes back in rax, a real in xmm0, a float as its low half."""
    answers = {"process": -5, "gain": 0.5, "level": 2, "count": -1, "mask": 2**64 - 1, "reset": None}
    fallback = Fallback(answers=answers)
    check_fallback("gain", fallback, [GAIN])
    assert answers_of(fallback, GAIN) == (
        (8, -5, 0.0, False),
        (24, 0, 0.5, True),
        (32, 0, 2.0, False),
        (40, -1, 0.0, False),
        (48, -1, 0.0, False),
        (64, 0, 0.0, False),
    )


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"proces": 0}, "an answer is declared for 'proces', and there is no such function (it has: byte, count"),
        ({"fill": 0}, "fill fills out: a constant cannot"),
        ({"name": None}, "name returns a pointer"),
        ({"process": 0.5}, "process returns a whole number from -2147483648 to 2147483647; 0.5 is none"),
        ({"process": 1 << 31}, "2147483648 is none"),
        ({"process": True}, "True is none"),
        ({"process": None}, "None is none"),
        ({"byte": 256}, "byte returns a whole number from 0 to 255; 256 is none"),
        ({"mask": -1}, "from 0 to 18446744073709551615; -1 is none"),
        ({"level": "loud"}, "level returns a number; 'loud' is none"),
        ({"reset": 0}, "reset returns nothing; its answer must be None"),
    ],
)
def test_an_answer_that_a_constant_cannot_give_is_refused_by_name(answers: Mapping[str, Any], sentence: str) -> None:
    """Found when it is declared, not when the plugin has failed already."""
    with pytest.raises(ConfigError) as caught:
        check_fallback("gain", Fallback(answers=answers), [GAIN])
    assert sentence in str(caught.value)


def test_every_violation_is_found() -> None:
    """The retry's too."""
    retry = RetryRules(after_s=0.0, at_most_s=float("nan"))
    fallback = Fallback(answers={"fill": 0, "other": 1}, retry=retry)
    with pytest.raises(ConfigError) as caught:
        check_fallback("gain", fallback, [GAIN])
    assert len(caught.value.found) == 4


def test_an_interface_with_more_answers_than_there_are_stubs_is_refused() -> None:
    """The core has that many, made when it was compiled."""
    most = [f"f{index}() -> i64" for index in range(ANSWERS_MOST + 1)]
    answers = {f"f{index}": index for index in range(ANSWERS_MOST + 1)}
    with pytest.raises(ConfigError, match="257 functions of gain have answers; at most 256 can"):
        check_fallback("gain", Fallback(answers=answers), [interface(*most)])
