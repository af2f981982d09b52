"""A plugin is told what becomes of the providers that it imports: `hotgraft.notify/1`."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, HotgraftError, _core
from native_sets import swap_set
from sample_plugins import HANDS_OVER, LISTENER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEW = replace(STATELESS, build=2, interface_version=(1, 1), version="1.1.0", more=True)
PREPARE, CHANGED, CALLED_OFF = 1, 2, 3
FROM, TO, FROM_VERSION, TO_VERSION, FLAGS, IS_OF_COUNTER, BUILD, THREAD = range(8)
ROLLBACK = 1
FOR_EVER_S = 86_400.0


@pytest.fixture
def host() -> Iterator[Host]:
    """A host without a probe: what is told is told in this process."""
    with Host(probe="off") as made:
        yield made


def wait_until(condition: Callable[[], bool], deadline_s: float = 60) -> None:
    """Look again and again until it holds; the deadline is the failure."""
    until = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < until, "the deadline passed"
        threading.Event().wait(0.002)


def said(listener: Any, kind: int) -> tuple[int, ...]:
    """Return what the last notice of a kind said: generations, versions, flags."""
    return tuple(listener.last(kind, what) for what in (FROM, TO, FROM_VERSION, TO_VERSION, FLAGS))


def test_a_consumer_is_told_before_and_after_its_provider_is_replaced(host: Host, build: Workshop) -> None:
    """What is kept of a provider is dropped in time, and made anew of what serves now."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER))
    assert listener.trace() == 0

    host.reload("counter", build(NEW))

    assert listener.trace() == 12
    assert said(listener, PREPARE) == (1, 2, 0x10000, 0x10001, 0)
    assert said(listener, CHANGED) == (1, 2, 0x10000, 0x10001, 0)
    assert listener.last(CHANGED, IS_OF_COUNTER) == 1
    assert listener.last(CHANGED, BUILD) == 2  # it may call, and finds the new one


def test_it_is_told_on_a_thread_of_its_own(host: Host, build: Workshop) -> None:
    """A caller's thread runs plugin code only inside a call, and the swap's own thread waits for nobody's code."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER))
    host.reload("counter", build(NEW))

    threads = {listener.last(kind, THREAD) for kind in (PREPARE, CHANGED)}
    assert not threads & {thread.native_id for thread in threading.enumerate()}


def test_a_swap_that_is_called_off_is_told_so(host: Host, build: Workshop) -> None:
    """Else a consumer would wait for ever for what comes after prepare."""
    counter = host.load(build(HANDS_OVER))
    listener: Any = host.load(build(LISTENER))
    with pytest.raises(HotgraftError):
        host.reload("counter", build(replace(HANDS_OVER, build=2)), config={"fail": "start"})

    assert (listener.trace(), counter.build()) == (13, 1)
    assert said(listener, CALLED_OFF) == (1, 1, 0x10000, 0x10000, 0)
    assert listener.last(CALLED_OFF, BUILD) == 1


def test_what_is_refused_before_its_window_is_told_nobody(host: Host, build: Workshop) -> None:
    """Nothing was about to close a gate."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER))
    with pytest.raises(HotgraftError):
        host.reload("counter", build(NEW), config={"fail": "create"})

    assert listener.trace() == 0


def test_a_rollback_is_told_and_says_so(build: Workshop) -> None:
    """What was learned of the newer version does not hold for the older one."""
    with Host(probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S) as host:
        host.load(build(STATELESS))
        listener: Any = host.load(build(LISTENER))
        host.reload("counter", build(NEW))
        host.rollback("counter")

        assert listener.trace() == 1212
        assert said(listener, PREPARE) == (2, 1, 0x10001, 0x10000, ROLLBACK)
        assert said(listener, CHANGED) == (2, 1, 0x10001, 0x10000, ROLLBACK)


def test_a_generation_that_serves_again_is_told_what_it_missed(build: Workshop) -> None:
    """While it was held its provider was replaced: nobody asks what is held for anything."""
    with Host(probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S) as host:
        host.load(build(STATELESS))
        listener: Any = host.load(build(LISTENER))
        host.reload("listener", build(replace(LISTENER, build=2)))
        host.reload("counter", build(NEW))
        assert listener.trace() == 12
        host.rollback("listener")

        assert listener.generation == 1
        assert listener.trace() == CHANGED  # one change, without a prepare
        assert said(listener, CHANGED)[:2] == (1, 2)


def test_each_instance_is_told(host: Host, build: Workshop) -> None:
    """Each has a cache of its own."""
    host.load(build(STATELESS))
    both: list[Any] = [host.load(build(LISTENER), instance="left"), host.load("listener", instance="right")]
    host.reload("counter", build(NEW))

    assert [one.trace() for one in both] == [12, 12]


@pytest.mark.parametrize("kind", ["prepare", "changed"])
def test_a_notice_that_hangs_holds_up_no_swap_and_is_told_the_rest_when_it_returns(
    host: Host, build: Workshop, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One plugin's hang must not keep another from being mended; and what is owed is told, each exactly once."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER), config={"hang": kind})
    host.reload("counter", build(NEW))
    assert host["counter"].build() == 2
    assert listener.trace() == (1 if kind == "prepare" else 12)
    host.reload("counter", build(replace(NEW, build=3)))  # it is busy: not asked again
    assert listener.trace() == (1 if kind == "prepare" else 12)

    listener.let_go()

    wait_until(lambda: listener.trace() == (12 if kind == "prepare" else 122))
    assert said(listener, CHANGED)[:2] == ((1, 3) if kind == "prepare" else (2, 3))  # two changes, told as one
    assert _core.abandoned_count() == 0
    wait_until(lambda: any("left behind" in one.message for one in caplog.records))


def test_what_hangs_in_a_notice_stays_mapped_and_is_unloaded_when_it_returns(host: Host, build: Workshop) -> None:
    """Its thread is inside: taking the library away would end the process."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER), config={"hang": "prepare"})
    pin = listener.pin()
    host.reload("counter", build(NEW))
    host.reload("listener", build(replace(LISTENER, build=2)))
    assert "a notice that has not come back" in str(host.unloads(0.3).waiting + _leases(pin))

    pin.plugin.let_go()
    pin.end()
    wait_until(lambda: host.unloads(0.1).waiting == ())
    assert host["listener"].trace() == 0  # the new one knew what serves


def _leases(pin: Any) -> tuple[str, ...]:
    return tuple(pin._link.held.generation.leases)


def test_a_consumer_that_is_closed_meanwhile_is_told_nothing_more(build: Workshop) -> None:
    """Out of service is out of service: its quiesce and destroy say the rest."""
    host = Host(probe="off")
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER), config={"hang": "prepare"})
    swap = threading.Thread(target=lambda: host.reload("counter", build(NEW)))
    swap.start()
    wait_until(lambda: listener.trace() == 1)
    listener.let_go()
    unloads = host.close()
    swap.join(60)

    assert unloads.stuck == ()
    assert not swap.is_alive()


def test_members_of_one_swap_are_not_told_and_the_new_consumer_is_told_what_changed(
    host: Host, build: Workshop
) -> None:
    """The old consumer is quiesced; the new one was made while the old provider served, and serves with the new."""
    host.load(build(STATELESS))
    listener: Any = host.load(build(LISTENER))
    old = listener.pin()
    swapped = swap_both(host, build)

    assert swapped.is_published
    assert old.plugin.trace() == 0
    assert listener.trace() == CHANGED
    assert said(listener, CHANGED)[:2] == (1, 2)
    assert listener.build_there() == 2
    old.end()


def swap_both(host: Host, build: Workshop) -> Any:
    """Replace consumer and provider by one native swap, and note it as the host does."""
    return swap_set(host, {"listener": build(replace(LISTENER, build=2)), "counter": build(NEW)})


def test_a_table_that_lies_is_refused(host: Host, build: Workshop) -> None:
    """As with every table of a plugin: sizes and pointers may lie."""
    host.load(build(STATELESS))
    with pytest.raises(HotgraftError, match=r"hotgraft\.notify/1: changed points outside the plugin's own code"):
        host.load(build(replace(LISTENER, flags=("-DLISTENER_LIES",))))


def test_an_import_that_is_not_bound_is_told_nothing(host: Host, build: Workshop) -> None:
    """There is no provider to be replaced."""
    listener: Any = host.load(build(replace(LISTENER, optional=True, flags=("-DCALLER_OPTIONAL",))))
    host.load(build(STATELESS))
    host.reload("counter", build(NEW))

    assert listener.trace() == 0
    assert listener.build_there() == -1
