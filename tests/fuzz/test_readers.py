"""Readers of files under sound files made wrong: whatever is in them, it is read or it is refused in words."""

from __future__ import annotations

from random import Random

import pytest
from conftest import current_tier
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reader_mutations import mutated, sound_files
from reader_outcomes import CHECKS


@pytest.mark.parametrize("reader", CHECKS)
def test_the_kept_files_are_sound(reader: str) -> None:
    """What is made of a file that is refused anyway says little."""
    files = sound_files(reader)
    assert len(files) >= 3
    assert all(CHECKS[reader](data) for data in files)


@pytest.mark.parametrize("reader", CHECKS)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(data=b"a = 0x" + b"f" * 120)
@example(data=b'{"a": "\\ud83d\\ude00"}')
def test_any_bytes_are_read_or_refused_in_words(reader: str, data: bytes) -> None:
    """Nothing else ever comes out of a reader: whoever calls it expects one error class."""
    CHECKS[reader](data)


@pytest.mark.parametrize("reader", CHECKS)
@settings(max_examples={"quick": 60, "full": 3_000, "soak": 100_000}[current_tier()])
@given(seed=st.integers(0, (1 << 64) - 1))
def test_sound_files_made_wrong_are_read_or_refused_in_words(reader: str, seed: int) -> None:
    """Almost right is where checks are skipped; what is taken all the same is what it says it is."""
    data = mutated(reader, Random(seed))
    try:
        CHECKS[reader](data)
    except BaseException as error:
        error.add_note(f"given {data!r:.2000}")
        raise


@pytest.mark.parametrize("reader", CHECKS)
def test_of_what_is_made_some_is_taken_and_some_is_not(reader: str) -> None:
    """Else the property above holds for no reason."""
    taken = [CHECKS[reader](mutated(reader, Random(seed))) for seed in range(60)]
    assert 2 <= sum(taken) <= 57
