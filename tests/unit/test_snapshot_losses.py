"""What a copy of the state costs where it is not taken back, and what the newest snapshot does not have."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Busy, DrainTimeout, HostClosed, HotgraftError, PluginUnavailable, _core
from sample_plugins import HANDS_OVER, SESSIONS, SHARES, Sample, Workshop
from test_pins import wait_until
from test_snapshots import folder, make_host, paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotgraft import Host

__all__ = ["folder"]


LOSSES = [
    pytest.param({"probe": "start"}, lambda host, _image: host.snapshot(), "snapshot.failed", id="snapshot"),
    pytest.param({"probe": "start"}, lambda host, image: host.reload("counter", image), "swap.refused", id="probe"),
    pytest.param(
        {"snapshot_before_swap": True},
        lambda host, image: host.reload("counter", image),
        "swap.refused",
        id="before swap",
    ),
]


@pytest.mark.parametrize(("options", "act", "also"), LOSSES)
def test_a_copy_that_costs_the_state_tells_of_it_and_opens_the_breaker(
    folder: Path,
    build: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    act: Callable[[Host, Path], object],
    also: str,
) -> None:
    """Whoever listens to swaps learns it as where a swap that is called off costs it, and callers get the fallback."""
    with make_host(folder, **options) as host:
        told: list[str] = []
        counter = host.load(build(HANDS_OVER))
        for pattern in ("s*", "breaker.*"):
            host.on(pattern, lambda event: told.append(event.name))
        monkeypatch.setenv("COUNTER_DOES", f"{os.getpid()}:1:take:fail")
        with pytest.raises(HotgraftError, match="told to fail in take"):
            act(host, build(replace(HANDS_OVER, build=2)))
        monkeypatch.delenv("COUNTER_DOES")
        assert {"swap.out_of_service", "breaker.opened", also} <= set(told)
        assert told.count("swap.out_of_service") == 1
        with pytest.raises(PluginUnavailable):
            counter.add(1)


def test_the_newest_that_lacks_an_instance_is_passed_over_and_that_is_told(folder: Path, build: Workshop) -> None:
    """It goes on from an older one: whoever listens learns which, and the journal has it."""
    with make_host(folder) as host:
        host.load(build(HANDS_OVER)).add(5)
        host.load("counter", instance="left").add(7)
        host.snapshot()
    with make_host(folder) as host:
        host.load(build(HANDS_OVER)).add(1)
        host.snapshot()
    with make_host(folder) as host:
        told: list[str] = []
        host.on("snapshot.passed_over", lambda event: told.append(event.facts["error"].found[0]))
        assert host.load(build(HANDS_OVER)).add(0) == 6
        assert told == []
        assert host.load("counter", instance="left").add(0) == 7
        assert told == [f"it has no instance left, which goes on from {paths(folder)[1].name}"]


def test_what_is_out_of_service_gets_no_instance(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says why, and what to do."""
    with make_host(folder) as host:
        host.load(build(HANDS_OVER))
        monkeypatch.setenv("COUNTER_DOES", f"{os.getpid()}:1:take:fail")
        with pytest.raises(HotgraftError, match="told to fail in take"):
            host.snapshot("counter")
        monkeypatch.delenv("COUNTER_DOES")
        with pytest.raises(
            PluginUnavailable, match=r"generation 1 is out of service: .* has not got its state back"
        ) as caught:
            host.load("counter", instance="left")
        assert caught.value.advice == "reload the plugin, and add it to what serves then"


@pytest.mark.parametrize("sample", [HANDS_OVER, SESSIONS, SHARES], ids=["single", "session", "concurrent"])
def test_nobody_is_answered_after_the_last_snapshot(folder: Path, build: Workshop, sample: Sample) -> None:
    """What a call did after it would be lost, though its caller was told that it was done."""
    with make_host(folder, snapshot_at_close=True) as host:
        plugin = host.load(build(sample))
        session = plugin.session(who="alice") if sample.per_session else None
        add = session.plugin.add if session is not None else plugin.add
        assert add(5) == 5
        plain = host._snapshots.at_close

        def late(*args: Any) -> None:
            plain(*args)
            with pytest.raises(HostClosed):
                add(100)

        host._snapshots.at_close = late  # type: ignore[method-assign, assignment] # a seam
    with make_host(folder) as host:
        plugin = host.load(build(sample))
        resumed = plugin.session(who="alice") if sample.per_session else None  # which ends when nobody has it
        assert (resumed.plugin.add(0) if resumed is not None else plugin.add(0)) == 5


def test_a_host_that_cannot_be_closed_serves_on(folder: Path, build: Workshop) -> None:
    """Also where its last snapshot was to come before: a call was inside at the deadline."""
    host = make_host(folder, snapshot_at_close=True)
    counter = host.load(build(HANDS_OVER))
    thread = threading.Thread(target=counter.nap, args=(400,))
    calls = _core.read_meter(counter._owner.loaded.serving.generation, 0)[1]
    thread.start()
    try:
        wait_until(lambda: _core.read_meter(counter._owner.loaded.serving.generation, 0)[1] > calls)
        with pytest.raises(DrainTimeout):
            host.close(deadline_s=0.02)
        assert counter.add(1) == 1
    finally:
        thread.join()
        host.close()


@pytest.mark.parametrize("sample", [HANDS_OVER, SHARES], ids=["single", "concurrent"])
def test_a_pin_waits_for_the_moment_of_a_copy_and_is_not_refused(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch, sample: Sample
) -> None:
    """A schedule of snapshots must not make pins fail now and then, least of all of a state that no swap keeps."""
    gate = folder.with_name("gate")
    gate.touch()
    monkeypatch.setenv("COUNTER_HOLDS", str(gate))
    with make_host(folder) as host:
        counter = host.load(build(sample))
        generation, pinned = counter._owner.loaded.serving.generation, list[Any]()
        monkeypatch.setenv("COUNTER_DOES", f"{os.getpid()}:1:quiesce:hold")
        threads = [
            threading.Thread(target=host.snapshot, args=("counter",)),
            threading.Thread(target=lambda: pinned.append(counter.pin())),
        ]
        threads[0].start()
        try:
            wait_until(lambda: not takes_pins(generation))
            threads[1].start()
            threads[1].join(0.01)
            assert pinned == []
        finally:
            gate.unlink()
            for thread in threads:
                thread.join()
        monkeypatch.delenv("COUNTER_DOES")
        with pinned[0] as held:
            assert held.add(1) == 1


def takes_pins(generation: _core.Generation) -> bool:
    """Tell whether it is not kept from being pinned."""
    try:
        generation.add_pin("a look").let_go()
    except Busy:
        return False
    return True
