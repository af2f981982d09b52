"""Replaced generations: each is open or counted, whenever it leaves memory."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hotgraft import Host, _core
from hotgraft.host.replaced import Replaced
from sample_plugins import STATELESS

if TYPE_CHECKING:
    from sample_plugins import Workshop


class Leaving:
    """A generation that leaves memory after its stage was looked at so many times."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def stage(self) -> str:
        self._looks -= 1
        return "retired" if self._looks >= 0 else "unloaded"


@pytest.mark.parametrize("looks", [0, 1, 2, 3])
def test_a_generation_that_leaves_between_two_looks_is_counted_once(looks: int) -> None:
    """It leaves on the unloading thread: between any two reads of its stage."""
    replaced = Replaced()
    replaced.add(cast("Any", Leaving(looks)))

    for _ in range(4):
        proven, kept = replaced.count()
        assert proven + len(kept) == 1

    assert proven == 1


def test_two_hosts_with_plugins_of_one_name_see_only_their_own(build: Workshop) -> None:
    """The libraries of a process are in one list, and both have a generation 1 of this plugin there."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(Host()) for _ in range(2)]
        for number, host in enumerate(hosts):
            stack.enter_context(host.load(build(STATELESS)).pin(who=f"session {number}"))
            host.reload("counter", build(replace(STATELESS, build=2)))

        for number, host in enumerate(hosts):
            (line,) = host.unloads().waiting
            assert line.startswith("counter: generation 1: ")
            assert "not looked at yet" in line or f"session {number}" in line


def test_a_host_that_is_closed_waits_for_its_own_libraries_alone(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another host of the process has on its way out may be held for as long as its pins are open."""
    waits, plain = list[float](), _core.wait_idle

    def wait_idle(deadline_s: float) -> bool:
        waits.append(deadline_s)
        return plain(deadline_s)

    monkeypatch.setattr(_core, "wait_idle", wait_idle)
    with Host() as one, Host() as other:
        for host in (one, other):
            host.load(build(STATELESS))
        with one["counter"].pin():
            one.reload("counter", build(replace(STATELESS, build=2)))
            assert other.close(60.0).proven == 1
            assert len(one.unloads().waiting) == 1
            assert sum(waits) < 60.0
