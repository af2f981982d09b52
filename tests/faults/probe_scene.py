"""A host with a probe that is soon tired of waiting, and what must hold after it has refused a candidate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from belongings import belongings
from hotgraft import Host, HotgraftError, Outcome, ProbeError
from sample_plugins import PLAIN, Sample

if TYPE_CHECKING:
    from pathlib import Path


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
