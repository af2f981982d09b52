"""The thread that converters run on: what would wait for it is refused there, and what is over is told nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, Host
from hotgraft.engine.converter_thread import ConverterThread
from sample_plugins import SAVES

if TYPE_CHECKING:
    from sample_plugins import Workshop

TWO = replace(SAVES, schema=2, build=2, version="1.1.0")


def test_what_would_wait_for_the_converter_that_asks_for_it_is_refused_at_once(build: Workshop) -> None:
    """An instance, the end of the host, a look at the state: each would wait for this swap, and this for it."""
    with Host(probe="off") as host:
        counter: Any = host.load(build(SAVES))
        counter.add(7)
        refused: list[Busy] = []

        @host.converter("counter", from_schema=1, to_schema=2)
        def ask(values: dict[str, Any]) -> dict[str, Any]:
            for act in (
                lambda: host.load("counter", instance="left"),
                host.close,
                lambda: host.saved_state("counter"),
                host.snapshot,
            ):
                with pytest.raises(Busy) as caught:
                    act()
                refused.append(caught.value)
            return values

        host.reload("counter", build(TWO))

        assert len(refused) == 4
        assert "in a converter of counter" in refused[0].found[0]
        assert counter.add(0) == 7
        assert host.load("counter", instance="left").add(0) == 0


def test_one_that_is_over_is_told_nothing_though_its_number_is_anothers(build: Workshop) -> None:
    """Numbers of threads are used again: the exception would end whoever has it now."""
    with Host(probe="off") as host:
        host.load(build(SAVES))
        told: list[threading.Thread] = []

        def note(values: dict[str, Any]) -> dict[str, Any]:
            told.append(threading.current_thread())
            return values

        host.converter("counter", from_schema=1, to_schema=2)(note)
        host.reload("counter", build(TWO))
        [thread] = told
        assert isinstance(thread, ConverterThread)
        thread.join(30.0)
        thread._ident = threading.get_ident()  # type: ignore[attr-defined] # as if it was used again
        thread.stop()
        for _ in range(100):
            str(thread)
