"""Ctrl-C at every step of a change: Python raises it between any two instructions of the main thread.

A change that it cut in two would leave tables published that nobody knows of. So the caller's wait ends, and the
change does not.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, _core
from sample_plugins import HANDS_OVER, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = [
    *((HANDS_OVER, step) for step in ("close gates", "drain", "quiesce", "surrender", "take", "start", "publish")),
    *((SAVES, step) for step in ("save", "restore", "publish")),
    *((STATELESS, step) for step in ("start", "publish")),
]
NAMES = {HANDS_OVER: "hands over", SAVES: "saves", STATELESS: "stateless"}


@pytest.fixture
def host(unprobed: Host) -> Host:
    """Without a probe: a plugin that interrupts its own process is to do so in this one."""
    return unprobed


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C means what it means to a person, also where these tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


def interrupt_at(step: str) -> Any:
    """Return a step hook that presses Ctrl-C once."""
    pressed: list[str] = []

    def hook(name: str) -> str:
        if name == step and not pressed:
            pressed.append(name)
            os.kill(os.getpid(), signal.SIGINT)
        return "run"

    return hook


@pytest.mark.parametrize(("sample", "step"), STEPS, ids=[f"{NAMES[sample]}, {step}" for sample, step in STEPS])
def test_a_reload_that_is_interrupted_is_carried_to_its_end(
    host: Host, build: Workshop, seam: Any, sample: Sample, step: str
) -> None:
    """The library that serves stays, what it replaced goes, and the next reload finds both as they are."""
    counter = host.load(build(sample))
    counted = counter.add(5)
    seam(interrupt_at(step))

    with pytest.raises(KeyboardInterrupt):
        host.reload("counter", build(replace(sample, build=2)))

    seam(None)
    report = host.reload("counter", build(replace(sample, build=3)))
    assert (report.generation, counter.generation, counter.build()) == (3, 3, 3)
    assert counter.add(1) == (1 if sample is STATELESS else counted + 1)
    unloads = host.unloads(deadline_s=10.0)
    assert (unloads.proven, unloads.waiting, unloads.stuck) == (2, (), ())


@pytest.mark.parametrize("step", ["create", "take", "start"])
def test_what_serves_is_not_unloaded_by_an_interrupt(host: Host, build: Workshop, step: str) -> None:
    """Ctrl-C that is raised the moment the core has published must not read as a candidate that failed."""
    counter = host.load(build(HANDS_OVER))
    counter.add(5)

    with pytest.raises(KeyboardInterrupt):
        host.reload("counter", build(replace(HANDS_OVER, build=2)), config={"interrupt": step})

    host.reload("counter", build(replace(HANDS_OVER, build=3)), config={})
    assert _core.wait_idle(10)
    assert (counter.generation, counter.build(), counter.add(1)) == (3, 3, 6)


def test_a_load_that_is_interrupted_is_carried_to_its_end(host: Host, build: Workshop) -> None:
    """The plugin is there, whole: half of one would be published and known to nobody."""
    is_loaded = threading.Event()
    host.on("plugin.loaded", lambda _: is_loaded.set())

    with pytest.raises(KeyboardInterrupt):
        host.load(build(HANDS_OVER), config={"interrupt": "start"})

    assert is_loaded.wait(30)
    assert host.reload("counter", build(replace(HANDS_OVER, build=2)), config={}).generation == 2
    assert host["counter"].build() == 2


def test_an_instance_that_is_added_under_an_interrupt_is_there(host: Host, build: Workshop) -> None:
    """It has slots of its own; what is published there has an owner."""
    host.load(build(HANDS_OVER))

    with pytest.raises(KeyboardInterrupt):
        host.load("counter", instance="second", config={"interrupt": "start"})

    host.reload("counter", build(replace(HANDS_OVER, build=2)), config={})
    assert host["counter", "second"].build() == 2


def test_a_close_that_is_interrupted_can_be_asked_for_again(build: Workshop) -> None:
    """Closing twice is closing once, also when the first one was cut short."""
    host = Host(probe="off")
    host.load(build(HANDS_OVER), config={"interrupt": "quiesce"})

    with pytest.raises(KeyboardInterrupt):
        host.close()

    host.close()
    assert _core.wait_idle(10)
    assert list(host) == []
