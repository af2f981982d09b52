"""Pairs of small C libraries: what `hotgraft diff` says of their headers, and whether a client that runs agrees.

`pairs_*.py` are the tables, a file for each kind of change. Every tier asks for verdicts; the full one asks both
compilers for all of them, runs every client with both libraries, and has abidiff compare these.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest
from contract_pair import ALLOWED
from contract_runs import ABI_INCOMPATIBLE, COMPILERS, KINDS, abidiff_bits, client_runs, pairs_of, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conftest import Sized
    from contract_pair import Pair

EVERY: Final = {kind: pairs_of(kind) for kind in KINDS}
ALLOWED_AT_LEAST: Final = 0.95  # of the harmless changes
needs_abidiff = pytest.mark.skipif(shutil.which("abidiff") is None, reason="abidiff (abigail-tools) is not installed")


def _sample(pairs: tuple[Pair, ...], most: int) -> Iterable[Pair]:
    """Return as many of each kind of outcome, from all over a table."""
    for is_harmless in (True, False):
        found = [one for one in pairs if one.is_harmless == is_harmless]
        yield from found[:: max(1, len(found) // most)][:most]


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_a_header_comes_to_what_its_table_says(kind: str, tmp_path: Path, sized: Sized) -> None:
    """A break that is let in costs callers memory; a harmless change that is refused costs an author a release."""
    compilers = COMPILERS[: sized(quick=1, full=2)]
    wrong = []
    for pair in _sample(EVERY[kind], sized(quick=1, full=1000)):
        for compiler in compilers:
            verdict, facts = verdict_of(pair, tmp_path / compiler, compiler)
            if verdict != pair.verdict:
                wrong.append(f"{pair.name} ({compiler}): {verdict}, not {pair.verdict}; {facts}")

    assert wrong == []


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_client_of_the_old_library_shows_what_the_table_says(kind: str, compiler: str, tmp_path: Path) -> None:
    """What is said of a change without having run it is an opinion."""
    wrong = []
    for pair in EVERY[kind]:
        before, after = client_runs(pair, tmp_path, compiler)
        if before.code != 0:
            wrong.append(f"{pair.name}: the client does not run with the library that it was compiled for: {before}")
        if pair.is_harmless and after != before:
            wrong.append(f"{pair.name}: said to be harmless, and it ran so: {before}, then {after}")
        if not pair.is_harmless and not pair.unshown and after == before:
            wrong.append(f"{pair.name}: said to break, and the client ran as before: {before}")

    assert wrong == []


@pytest.mark.full
@needs_abidiff
@pytest.mark.parametrize("kind", KINDS)
def test_abidiff_agrees_or_the_table_says_why_not(kind: str) -> None:
    """It looks at libraries where we look at headers: where both can see, they must see the same.

    abidiff calls little incompatible and leaves most changes to a reader; so it disagrees where it finds no change in
    what breaks, and where it calls incompatible what is harmless.
    """
    wrong = []
    for pair in EVERY[kind]:
        bits = abidiff_bits(pair)
        disagrees = bool(bits & ABI_INCOMPATIBLE) if pair.is_harmless else bits == 0
        if disagrees != bool(pair.abidiff):
            wrong.append(f"{pair.name}: abidiff ends with {bits}; the table says: {pair.abidiff or 'it agrees'}")

    assert wrong == []


def test_no_break_is_called_compatible_and_hardly_a_harmless_change_is_refused() -> None:
    """The two figures that the tables come to; that the verdicts are those of the tables is asked above."""
    pairs = [pair for table in EVERY.values() for pair in table]
    breaking = [one for one in pairs if not one.is_harmless]
    harmless = [one for one in pairs if one.is_harmless]
    refused = [one for one in harmless if one.verdict not in ALLOWED]

    print(f"\n{len(breaking)} breaking, {len(harmless)} harmless, of which {len(refused)} are refused:")
    for one in refused:
        print(f"- {one.name}: {one.missed}")
    assert [one.name for one in breaking if one.verdict in ALLOWED] == []
    assert [one.name for one in refused if not one.missed] == []
    assert [one.name for one in harmless if one.missed and one not in refused] == []
    assert len(refused) <= (1 - ALLOWED_AT_LEAST) * len(harmless)
    assert len(breaking) >= 120 and len(harmless) >= 80


def test_names_tell_pairs_apart() -> None:
    """A failure names the pair, within its kind."""
    for kind, table in EVERY.items():
        assert len({one.name for one in table}) == len(table), kind
