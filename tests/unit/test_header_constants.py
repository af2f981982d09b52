"""Constants of headers: equal values have equal texts, and what a compiler makes of them is what we make of them."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from hotgraft.engine.build import find_compiler
from hotgraft.engine.header_constants import constants_of
from hotgraft.engine.header_literals import Integer, NoValueError
from hotgraft.engine.header_numbers import evaluate, tokens_of

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized

ENUMERATORS = {"FAST": 4, "SLOW": -1}
MACROS = {"N": "16", "M": "(N * 2)", "LOOP": "POOL + 1", "POOL": "LOOP", "TEXT": '"ab"'}
VALUES = {
    "16": ("0x10", "16", "(1<<4)", "N", "(M / 2)", "FAST * FAST", "020", "16u", "0b10000", "UINT32_C(16)", "+16",
           "(int32_t)16", "(const uint8_t) 272", "N ? 16 : 0", "'\\x10'", "'\\20'", "32 >> 1", "-(-16)"),
    "-1": ("-1", "~0", "SLOW", "0 - 1", "(int8_t)255", "-1 / 1", "-3 % 2", "'\\377'"),
    "4294967295": ("0xffffffff", "-1u", "~0u", "UINT32_MAX", "(uint32_t)-1", "4294967295", "0u - 1", "1 ? -1 : 0u"),
    "18446744073709551615": ("~0ull", "UINT64_MAX", "-1UL", "18446744073709551615u", "0xffffffffffffffff"),
    "-9223372036854775808": ("INT64_MIN", "-9223372036854775807 - 1"),
    "2147483648": ("2147483648", "0x80000000", "1ll << 31", "2147483647u + 1"),
    "0": ("0", "!1", "-1 > 0", "-1 < 0u", "FAST == 3", "1 && 0", "1.0 < 0.5", "(uint8_t)256"),
    "1": ("!0", "-1 > 0u", "'a' == 97", "0 || FAST", "2 == 2.0", "(int)1.9", "(4.0 / 2 == 2)"),
    "0.5": ("0.5", ".5", "5e-1", "1 / 2.0", "0x1p-1", "0.5f", "(float)0.5", "1.0f / 2"),
    "0.10000000149011612": ("0.1f", "(float)0.1", "0.10000000149011612"),
    "2.0": ("2.", "2.0", "(double)2", "N / 8.0"),
    '"ab"': ('"ab"', '"a" "b"', '"\\x61" "b"', "TEXT", '("ab")', 'u8"ab"', '"\\141b"'),
    '"\\n\\\\\\x80é"': ('"\\n\\\\\\x80" "é"', '"\\012\\\\\\200\\u00e9"'),
    '"\\u001b\\u00a0\\u007f\\U000e0001"': ('"\\033\\u00a0\\x7f\\U000E0001"',),
}  # fmt: skip
# What has no certain value is kept as its tokens.
TEXTS = {
    "1/0": "1 / 0", "2147483647 + 1": "2147483647 + 1", "1 << 32": "1 << 32", "-1<<1": "- 1 << 1", "LOOP": "LOOP",
    "sizeof(int)": "sizeof ( int )", "float": "float", "09": "09", "1.5L": "1.5L", "L\"a\"": 'L"a"', "'ab'": "'ab'",
    "__attribute__((unused))": "__attribute__ ( ( unused ) )", "(1": "( 1", "1 2": "1 2", "a . b": "a . b",
    "18446744073709551616": "18446744073709551616", "-INT64_MIN": "- INT64_MIN", "1e999": "1e999", "1 % 0.5": "1 % 0.5",
    "(uint8_t)-1.5": "( uint8_t ) - 1.5", "- -1": "- - 1", '"a" + 1': '"a" + 1', "": "",
}  # fmt: skip


def text_of(body: str) -> str:
    """The text of a macro that stands for `body`."""
    return constants_of({**MACROS, "X": body}, ENUMERATORS)["X"]


@pytest.mark.parametrize("value", VALUES)
def test_equal_values_have_equal_texts(value: str) -> None:
    """A macro that is spelled otherwise breaks nobody."""
    assert {body: text_of(body) for body in VALUES[value]} == dict.fromkeys(VALUES[value], value)


def test_what_has_no_certain_value_is_kept_as_its_tokens() -> None:
    """What C leaves undefined is not guessed, and other tokens are another meaning."""
    assert {body: text_of(body) for body in TEXTS} == TEXTS


def test_an_enumerator_is_a_constant_and_hides_a_macro_of_its_name() -> None:
    """``#define FAST FAST`` beside an enum is a custom; the value is the enum's."""
    assert constants_of({"FAST": "FAST", "TWICE": "(2 * FAST)"}, ENUMERATORS) == {
        "FAST": "4", "SLOW": "-1", "TWICE": "8",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    ["(" * 5000 + "1" + ")" * 5000, "-~" * 5000 + "1", "B B", "1" * 100_000, "1?" * 5000 + "1", '"' + "x" * 9000 + '"'],
    ids=["brackets", "signs", "doubling", "digits", "conditions", "text"],
)
def test_hostile_macros_end(body: str) -> None:
    """A header may be anybody's: no recursion without end, no text without end."""
    doubling = {"B": "B0 B0", **{f"B{i}": f"B{i + 1} B{i + 1}" for i in range(60)}}

    assert len(constants_of({**doubling, "X": body}, {})["X"]) <= 4096


def expression(dice: random.Random, depth: int) -> str:
    """An integer expression."""
    if depth == 0:
        literal = dice.choice(["0", "1", "2", "7", "31", "255", "65536", "2147483647", "0x80000000", "'a'", "FAST"])
        return literal + dice.choice(["", "", "u", "ll", "ull"] if literal[0].isdigit() else [""])
    kind = dice.randrange(6)
    inner = expression(dice, depth - 1)
    if kind == 0:
        return f"{dice.choice('-~!')}({inner})"
    if kind == 1:
        return f"({dice.choice(['int8_t', 'uint8_t', 'int16_t', 'uint32_t', 'int64_t', 'uint64_t'])})({inner})"
    other = expression(dice, depth - 1)
    if kind == 2:
        return f"({inner} ? {other} : {expression(dice, depth - 1)})"
    return f"({inner} {dice.choice(['+', '-', '*', '/', '%', '<<', '>>', '&', '|', '^', '<', '==', '&&'])} {other})"


@pytest.mark.full  # a compiler, hundreds of times over
def test_a_compiler_finds_the_same_values(tmp_path: Path, sized: Sized) -> None:
    """The evaluator is ours; the judge is the compiler: every value that we give, it gives."""
    dice = random.Random(7)
    lines: list[str] = []
    while len(lines) < sized(quick=50, full=2000):
        text = expression(dice, dice.randint(1, 4))
        try:
            value = evaluate(tokens_of(text), {}, {"FAST": 4})
        except NoValueError:
            continue
        assert isinstance(value, Integer)
        number = f"{value.value}u" if value.value >= 1 << 63 else f"({value.value + 1} - 1)"
        lines.append(f'_Static_assert(({text}) == {number}, "{len(lines)}");')
    source = tmp_path / "values.c"
    source.write_text("#include <stdint.h>\nenum { FAST = 4 };\n" + "\n".join(lines) + "\n")

    done = subprocess.run(
        [find_compiler(), "-std=c11", "-w", "-fsyntax-only", str(source)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[:2000]
