"""A live host meets every image of FAULTS.md that is wrong from the start, and goes on serving what it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from belongings import belongings
from faulty_files import FILES
from faulty_images import FAULTS, Fault
from hotgraft import Host, HotgraftError, ImageError, Outcome
from sample_plugins import PLAIN, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """The folder of staged copies."""
    return tmp_path / "staged"


@pytest.fixture
def serving(staged: Path, request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host whose staged copies can be looked at; with a probe unless the test says otherwise."""
    probe = getattr(request, "param", "start")
    with Host(staging_folder=str(staged), settle_deadline_s=0.2, probe=probe) as host:
        yield host


# What comes to light when its code runs is refused by the probe, and without one by the host's own step.
CELLS = [(fault, "start", Outcome.REFUSED) for fault in (*FILES, *FAULTS)] + [
    (fault, "off", fault.outcome) for fault in FAULTS if fault.outcome is not Outcome.REFUSED
]


def expect_answers(error: HotgraftError) -> None:
    """The error says what was tried, on what, what was found, what to do, and what is running now."""
    assert all((error.tried, error.on, error.found, error.advice))
    assert error.running == "generation 1 still serves"
    for part in (error.tried, error.on, *error.found, error.advice, error.running):
        assert part in str(error)


@pytest.mark.parametrize(("fault", "serving", "outcome"), CELLS, indirect=["serving"], ids=str)
def test_a_faulty_image_is_refused_and_the_old_generation_serves(
    serving: Host, build: Workshop, staged: Path, tmp_path: Path, fault: Fault, outcome: Outcome
) -> None:
    """Faults F01, F02, F10, F11, F13, F14 and E01, E02, E03, E04, E05, E06, E07, E08, E09, E10, E11, E12.

    And C01, C02, C03, C04, C05, C06, I07, I08, I09.

    A bad build on disk costs nobody a call, leaves nothing behind, and does not stand in the way of the next build.
    """
    plain = serving.load(build(PLAIN))
    image = fault.make(build, tmp_path)
    before = belongings(staged)

    with pytest.raises(HotgraftError) as caught:
        serving.reload("plain", image)

    assert type(caught.value) is fault.error, caught.value
    expect_answers(caught.value)
    for word in fault.words:
        assert word in str(caught.value)
    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert (report.outcome, report.generation, report.candidate) == (outcome, 1, 2)
    assert (plain.generation, plain.add(2, 3), plain.calls()) == (1, 5, 1)
    assert belongings(staged) == before
    assert serving.reload("plain", build(replace(PLAIN, version="1.0.1"))).outcome is Outcome.PUBLISHED
    assert (plain.generation, plain.version, plain.add(2, 3)) == (3, "1.0.1", 5)


@pytest.mark.parametrize("eighth", range(8))
def test_a_truncated_image_is_refused_wherever_it_ends(
    serving: Host, build: Workshop, staged: Path, tmp_path: Path, eighth: int
) -> None:
    """Fault F03: a file whose writer died. (Every single length goes through the reader in test_image.cpp.)"""
    plain = serving.load(build(PLAIN))
    data = build(PLAIN).read_bytes()
    image = tmp_path / "short.so"
    before = belongings(staged)
    for length in {len(data) * eighth // 8, len(data) * (eighth + 1) // 8 - 1}:
        image.write_bytes(data[:length])

        with pytest.raises(ImageError) as caught:
            serving.reload("plain", image)

        expect_answers(caught.value)
        assert (plain.generation, plain.add(2, 3)) == (1, 5)
        assert belongings(staged) == before
    image.write_bytes(data)
    assert serving.reload("plain", image).outcome is Outcome.PUBLISHED


def test_a_file_overwritten_in_place_changes_nothing_until_it_is_reloaded(
    serving: Host, build: Workshop, tmp_path: Path
) -> None:
    """Fault F06: a linker that writes into the file behind a live generation writes into code that runs."""
    image = tmp_path / "plain.so"
    image.write_bytes(build(PLAIN).read_bytes())
    plain = serving.load(image)
    inode = image.stat().st_ino
    with image.open("r+b") as file:
        file.write(b"\xcc" * image.stat().st_size)
    assert image.stat().st_ino == inode

    assert (plain.generation, plain.add(2, 3), plain.calls()) == (1, 5, 1)
    with pytest.raises(ImageError):
        serving.reload("plain")
    assert (plain.generation, plain.add(2, 3)) == (1, 5)
    with image.open("r+b") as file:
        file.write(build(replace(PLAIN, version="1.0.1")).read_bytes())
        file.truncate()
    assert serving.reload("plain").version == "1.0.1"
    assert plain.add(2, 3) == 5


def test_a_file_truncated_in_place_changes_nothing(serving: Host, build: Workshop, tmp_path: Path) -> None:
    """Fault F07: where the loader maps the file itself, the next call dies of SIGBUS."""
    image = tmp_path / "plain.so"
    image.write_bytes(build(PLAIN).read_bytes())
    plain = serving.load(image)
    with image.open("r+b") as file:
        file.truncate(0)

    assert (plain.generation, plain.add(2, 3), plain.calls()) == (1, 5, 1)
    with pytest.raises(ImageError):
        serving.reload("plain")
    assert (plain.generation, plain.add(2, 3)) == (1, 5)
    image.unlink()
    assert plain.add(2, 3) == 5
    image.write_bytes(build(PLAIN).read_bytes())
    assert serving.reload("plain").outcome is Outcome.PUBLISHED


def test_a_file_replaced_by_rename_is_really_the_one_that_is_loaded(
    serving: Host, build: Workshop, tmp_path: Path
) -> None:
    """Fault F08: dlopen of a path it knows answers the old library, whatever lies there now."""
    image, next_image = tmp_path / "plain.so", tmp_path / "plain.so.new"
    image.write_bytes(build(PLAIN).read_bytes())
    plain = serving.load(image)
    for number in range(1, 4):
        next_image.write_bytes(build(replace(PLAIN, version=f"1.0.{number}")).read_bytes())
        next_image.rename(image)

        serving.reload("plain")

        assert (plain.generation, plain.version, plain.add(2, 3)) == (1 + number, f"1.0.{number}", 5)
        assert plain.calls() == 1  # other memory: what answers is not the library of before
