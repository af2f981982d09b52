"""A host with a probe that is soon tired of waiting, and what must hold after it has refused a candidate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from belongings import belongings
from hotgraft import Host, HotgraftError, Outcome, ProbeError
from sample_plugins import PLAIN, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANG_S = 1.0  # until a stage that hangs is given up; every other one has long returned by then


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """The folder of staged copies."""
    return tmp_path / "staged"


@pytest.fixture
def serving(staged: Path) -> Iterator[Host]:
    """A host whose staged copies can be looked at, and whose probe is soon tired of waiting."""
    with Host(staging_folder=str(staged), probe_deadline_s=HANG_S) as host:
        yield host


def faulty(source: str, *flags: str) -> Sample:
    """The plugin `tests/plugins/<source>`, with the interface of the plain one."""
    return replace(PLAIN, source=source, flags=flags, version="1.0.1")


def refuse(host: Host, image: Path, staged: Path, *, error: type[HotgraftError] = ProbeError) -> HotgraftError:
    """Reload what serves as *plain*: the candidate must be refused, and nothing be different afterwards."""
    plain = host["plain"]
    calls, before = plain.calls(), belongings(staged)

    with pytest.raises(error) as caught:
        host.reload("plain", image)

    assert type(caught.value) is error
    assert caught.value.running == "generation 1 still serves"
    report = caught.value.report  # type: ignore[attr-defined] # a swap's errors carry one
    assert (report.outcome, report.generation) == (Outcome.REFUSED, 1)
    assert (plain.generation, plain.calls()) == (1, calls)
    assert belongings(staged) == before
    return caught.value
