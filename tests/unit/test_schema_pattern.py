"""Tests core/schema_pattern.py: the patterns of schemas, read and matched without going back."""

from __future__ import annotations

import random
import re

import pytest
from hotgraft.core.schema_pattern import PATTERN_LIMIT, PatternError, read_pattern
from hypothesis import given
from hypothesis import strategies as st

ATOMS = ("a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\d", "\\w", "\\S", "-", "\\.", "(?:ab|c)", "(a|b|)", "1")
REPEATS = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "*?", "+?")
TEXT = st.text(alphabet="abc1-. é", max_size=12)


def is_in(pattern: str, text: str) -> bool:
    return read_pattern(pattern).is_in(text, lambda _: None)


def random_pattern(rng: random.Random, depth: int = 0) -> str:
    parts = []
    for _ in range(rng.randrange(1, 4)):
        atom = rng.choice(ATOMS)
        if depth < 2 and rng.random() < 0.25:
            atom = f"({random_pattern(rng, depth + 1)})"
        parts.append(atom + rng.choice(REPEATS))
    text = "".join(parts)
    text = f"^{text}" if rng.random() < 0.3 else text
    text = f"{text}$" if rng.random() < 0.3 else text
    return f"{text}|{random_pattern(rng, depth + 1)}" if depth < 2 and rng.random() < 0.2 else text


@given(st.integers(min_value=0, max_value=2**32), st.lists(TEXT, min_size=5, max_size=20))
def test_it_finds_what_pythons_own_engine_finds(seed: int, texts: list[str]) -> None:
    """The same patterns, so the same configs, as every other validator."""
    rng = random.Random(seed)
    for _ in range(4):
        pattern = random_pattern(rng)
        theirs = re.compile(pattern, re.ASCII)
        ours = read_pattern(pattern)
        for text in texts:
            assert ours.is_in(text, lambda _: None) == bool(theirs.search(text)), (pattern, text)


@pytest.mark.parametrize(
    ("pattern", "there", "not_there"),
    [
        ("^[a-z][a-z0-9_-]{0,63}$", ("a", "gain_2-left", "a" * 64), ("", "A", "a" * 65, "a\n")),
        ("^[a-z]+(-[a-z]+)*$", ("one", "one-two-three"), ("-one", "one-", "one--two")),
        ("^\\d{4}-\\d{2}-\\d{2}$", ("2024-02-30",), ("2024-2-3", "٢٠٢٤-02-30")),
        ("^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$", ("0.0", "10.2"), ("01.2",)),
        ("^[^@\\s]+@[^@\\s]+$", ("a@b",), ("a b@c", "a@@b")),
        ("\\u00e9|\\x41|\\t", ("é", "A", "\t"), ("e",)),
        ("[\\]\\\\^-]", ("]", "\\", "^", "-"), ("a",)),
        ("[\\d-]", ("1", "-"), ("a",)),
        ("", ("", "x"), ()),
        ("^$", ("",), ("x",)),
        ("[^]", ("x", "\n"), ("",)),
        (".", ("x",), ("\n", "\u2028")),
        ("\\s", ("\u00a0", "\ufeff"), ("x",)),
    ],
)
def test_patterns_as_authors_write_them(pattern: str, there: tuple[str, ...], not_there: tuple[str, ...]) -> None:
    """As ECMA-262 has it: `$` is the very end, `\\d` is ASCII."""
    assert [one for one in there if not is_in(pattern, one)] == []
    assert [one for one in not_there if is_in(pattern, one)] == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)", "look-around"),
        ("(?<x>a)", "look-around and named groups"),
        ("(?P<x>a)", "look-around and named groups"),
        ("(a)\\1", "references back"),
        ("\\bword", "no \\b"),
        ("\\p{L}", "no \\p"),
        ("(a", "')' is missing"),
        ("a)", 'without its "("'),
        ("[a", "ends early"),
        ("a\\", "ends early"),
        ("[]", "an empty class"),
        ("[z-a]", "a range that is none"),
        ("[\\d-z]", "a range that is none"),
        ("*a", "nothing before it"),
        ("a**", "a repeat is repeated"),
        ("a*+", "a repeat is repeated"),
        ("^*", "an anchor is repeated"),
        ("a{", "not a count"),
        ("a{x}", "not a count"),
        ("a{2,1}", "counts down"),
        ("a{1001}", "counts beyond"),
        ("a{99999999999999999999}", "counts beyond"),
        ("(a{1000}){1000}", "more than 1000 places"),
        ("(((){1000}){1000}){1000}", "more than 1000 places"),
        ("\\xg0", "not hexadecimal"),
        ("\\u12", "ends early"),
        ("(" * 100 + ")" * 100, "nested deeper"),
        ("a" * (PATTERN_LIMIT + 1), "characters; a pattern ends at"),
    ],
)
def test_what_is_not_read_is_refused_by_name(pattern: str, said: str) -> None:
    """A pattern that means something else here than elsewhere would be worse than one that is refused."""
    with pytest.raises(PatternError) as caught:
        read_pattern(pattern)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "^(.*)*x$", "a*a*a*a*a*b", "(a?){30}a{30}"]
)
def test_a_pattern_that_explodes_elsewhere_takes_steps_in_proportion_to_the_text(pattern: str) -> None:
    """Counted, not timed: twice the text, about twice the steps."""
    ready = read_pattern(pattern)
    taken = []
    for length in (1_000, 2_000):
        steps: list[int] = []
        ready.is_in("a" * length + "!", steps.append)
        taken.append(sum(steps))

    assert taken[1] <= 2 * taken[0] <= 60_000
