"""Commit of what serves, where one of its steps fails."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import TYPE_CHECKING, Any

from hotgraft import Host
from hotgraft.host import commit
from sample_plugins import Sample

if TYPE_CHECKING:
    import pytest
    from sample_plugins import Workshop


class NoRoomError(MemoryError):
    """One that can be looked for."""


def test_what_failed_holds_nothing_once_it_was_told(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It held the frames that it came through, and with them a control thread, until the garbage collector came."""
    raised: list[weakref.ref[NoRoomError]] = []

    def noted(error: NoRoomError) -> NoRoomError:
        raised.append(weakref.ref(error))
        return error

    def fail(*_: Any, **__: Any) -> None:
        raise noted(NoRoomError())

    monkeypatch.setattr(commit, "keep_previous", fail)
    with Host(probe="off", probation="on") as host:
        host.load(build(Sample(build=1)))
        host.reload("counter", build(Sample(build=2)), is_settled=True)
        gc.disable()
        try:
            with contextlib.suppress(NoRoomError):  # what pytest raises is kept by pytest
                host.commit("counter")
            assert [one() for one in raised] == [None]
        finally:
            gc.enable()
