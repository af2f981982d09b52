"""Where the temporary folders of a run are."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
import scratch

FIT = {"f_flag": 0, "f_bavail": 1 << 20, "f_frsize": 4096}


@pytest.mark.parametrize(
    ("found", "is_fit"),
    [({}, True), ({"f_flag": os.ST_NOEXEC}, False), ({"f_bavail": 16 << 10}, False)],
    ids=["fit", "noexec", "64 MB"],
)
def test_memory_is_taken_where_libraries_can_be_mapped_and_there_is_room(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, int], is_fit: bool
) -> None:
    """A container's shared memory is often neither."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(**{**FIT, **found}))
    assert scratch.is_fit("/") == is_fit


def test_a_system_without_it_does_without() -> None:
    """Nothing is made there."""
    assert not scratch.is_fit("/no such folder")


def test_whoever_has_said_where_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where there would be a faster place."""
    monkeypatch.setenv("TMPDIR", "/said")
    monkeypatch.setattr(scratch, "is_fit", lambda _: True)
    scratch.keep_in_memory()
    assert os.environ["TMPDIR"] == "/said"
