"""`plugin.stats()`: whose calls it counts, which it does not, and what of it is on by default."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, PluginError, Stats, _core
from hotgraft.core.histogram import Histogram
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Sized


@pytest.fixture
def sampling() -> Iterator[None]:
    """Latency is sampled while the test runs."""
    _core.set_sampling(2_000)
    yield
    _core.set_sampling(0)


def serving(plugin: Any) -> _core.Generation:
    """Return the generation that a call made now would run."""
    generation: _core.Generation = plugin._owner.loaded.serving.generation
    return generation


def test_calls_and_failures_of_the_generation_that_runs_now(host: Host, build: Workshop) -> None:
    """A new version starts at nothing: what the old one did wrong is not its."""
    counter: Any = host.load(build(HANDS_OVER))
    for _ in range(3):
        counter.add(1)
    with pytest.raises(PluginError):
        counter.fail(-1)
    assert counter.fail(7) == 7  # a status that tells something and is no failure
    first = counter.stats()
    host.reload("counter", build(replace(HANDS_OVER, build=2, version="1.0.1")))
    counter.add(1)
    second = counter.stats()

    assert (first.generation, first.version, first.calls, first.errors) == (1, "1.0.0", 5, 1)
    assert (second.generation, second.version, second.calls, second.errors) == (2, "1.0.1", 1, 0)
    assert first.is_metered and second.since_s > first.since_s


def test_a_blocking_call_that_fails_is_counted_like_any_other(host: Host, build: Workshop) -> None:
    """It takes another way through the call path, without the interpreter lock."""
    counter: Any = host.load(build(replace(STATELESS, functions=with_blocking_fail())))
    with pytest.raises(PluginError):
        counter.fail(-1)
    assert (counter.stats().calls, counter.stats().errors) == (1, 1)


def with_blocking_fail() -> tuple[dict[str, Any], ...]:
    """Return the counter's functions, `fail` among them as one that lets go of the lock."""
    return tuple(one | {"blocking": one["blocking"] or one["name"] == "fail"} for one in STATELESS.functions)


def test_calls_of_another_plugin_are_counted(host: Host, build: Workshop) -> None:
    """They never touch Python: the guard itself counts."""
    counter: Any = host.load(build(STATELESS))
    caller: Any = host.load(build(CALLER_PLUGIN))
    for _ in range(10):
        caller.add_there(1)

    assert (caller.stats().calls, counter.stats().calls) == (10, 10)


def test_a_pin_reads_the_generation_it_holds(host: Host, build: Workshop) -> None:
    """Who is pinned to the old one wants to know how that one does."""
    counter: Any = host.load(build(STATELESS))
    counter.add(1)
    with counter.pin() as pinned:
        host.reload("counter", build(replace(STATELESS, build=2)))
        pinned.add(1)
        pinned.add(1)
        counter.add(1)

        assert (pinned.stats().generation, pinned.stats().calls) == (1, 3)
        assert (counter.stats().generation, counter.stats().calls) == (2, 1)


def test_each_instance_has_its_own(host: Host, build: Workshop) -> None:
    """One of them may be slow where the other is not."""
    left: Any = host.load(build(STATELESS), instance="left")
    right: Any = host.load(build(STATELESS), instance="right")
    left.add(1)
    left.add(1)
    right.add(1)

    assert (left.stats().calls, right.stats().calls) == (2, 1)
    host.reload("counter", build(replace(STATELESS, build=2)))
    right.add(1)
    assert (left.stats().calls, right.stats().calls) == (0, 1)


def test_nothing_is_timed_unless_somebody_asks(host: Host, build: Workshop) -> None:
    """A meter that is idle costs a call no clock."""
    counter: Any = host.load(build(STATELESS))
    for _ in range(1_000):
        counter.add(1)
    stats = counter.stats()

    assert _core.sampling() == 0
    assert (stats.samples, stats.pushed_off, stats.p50_ns, stats.p99_ns) == (0, 0, None, None)
    assert stats.latency == Histogram()


@pytest.mark.usefixtures("sampling")
def test_latency_is_that_of_the_call(host: Host, build: Workshop) -> None:
    """A sleep takes at least as long as it was told; rarely called functions are timed every time."""
    counter: Any = host.load(build(STATELESS))
    for _ in range(200):
        counter.nap(1)
        counter.stats()  # whoever reads also sees that calls are few
    stats = counter.stats()

    assert stats.samples > 50
    assert stats.latency.total == stats.samples <= stats.calls == 200
    assert stats.p50_ns is not None and stats.p50_ns >= 0.98e6


@pytest.mark.usefixtures("sampling")
def test_many_short_calls_give_samples_enough_and_not_one_each(host: Host, build: Workshop) -> None:
    """What is sampled follows what is called."""
    counter: Any = host.load(build(STATELESS))
    for _ in range(100_000):
        counter.add(1)
    stats = counter.stats()

    assert 100 < stats.samples + stats.pushed_off < stats.calls / 5


def test_sampling_starts_no_thread() -> None:
    """A standing thread makes CPython warn at every fork from 3.12 on, and would not be there in the child."""
    before = sorted(Path("/proc/self/task").iterdir())
    _core.set_sampling(2_000)
    during = sorted(Path("/proc/self/task").iterdir())
    _core.set_sampling(0)

    assert during == before


@pytest.mark.parametrize("per_second", [-1, 100_001])
def test_a_rate_that_cannot_be_kept_is_refused(per_second: int) -> None:
    """Above it the clock would cost more than it tells."""
    with pytest.raises(ValueError, match="0 to 100000 samples a second, got"):
        _core.set_sampling(per_second)
    assert _core.sampling() == 0


def test_stats_stay_readable_when_the_host_is_closed(build: Workshop) -> None:
    """The last word on a generation comes after its last call."""
    with Host() as host:
        counter: Any = host.load(build(STATELESS))
        counter.add(1)
    assert counter.stats().calls == 1


def test_a_reading_cannot_be_changed(host: Host, build: Workshop) -> None:
    """It is what was, at one moment."""
    stats = host.load(build(STATELESS)).stats()
    with pytest.raises(AttributeError):
        stats.calls = 7  # type: ignore[misc] # on purpose


@pytest.mark.usefixtures("sampling")
def test_calls_counted_are_calls_made_beside_swaps_and_readers(host: Host, build: Workshop, sized: Sized) -> None:
    """Exactly: none lost, none twice, none under another generation's name."""
    counter: Any = host.load(build(HANDS_OVER))
    images = [build(replace(HANDS_OVER, build=number)) for number in (2, 3)]
    each = sized(quick=20_000, full=400_000)
    threads = [threading.Thread(target=lambda: [counter.add(1) for _ in range(each)]) for _ in range(3)]
    generations = [serving(counter)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        read = [counter.stats() for _ in range(2)]
        assert read[0].generation != read[1].generation or read[0].calls <= read[1].calls
        if len(generations) < 12:
            host.reload("counter", images[len(generations) % 2])
            generations.append(serving(counter))
    for thread in threads:
        thread.join()

    counted = [_core.read_meter(generation, 0)[1] for generation in generations]
    assert sum(counted) == 3 * each == counter.add(0)
    assert counter.stats().calls == counted[-1] + 1


def test_in_a_forked_child_meters_count_and_cannot_be_switched(build: Workshop) -> None:
    """The child's calls are its own; what would have to reach all threads is off with the rest of control."""
    script = """
        import os, sys, warnings
        import hotgraft
        from hotgraft import _core
        warnings.simplefilter("error")
        host = hotgraft.Host()
        counter = host.load(sys.argv[1])
        counter.add(1)
        _core.set_sampling(2_000)
        child = os.fork()
        if child == 0:
            counter.add(1)
            try:
                _core.set_sampling(0)
            except hotgraft.ForkedHostError:
                os._exit(counter.stats().calls)
            os._exit(99)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, counter.stats().calls)
        host.close()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(build(STATELESS))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout.split(), done.returncode) == (["2", "1"], 0), done.stderr


def test_the_type_is_public() -> None:
    """Programs name it in their own signatures."""
    assert Stats.__module__ == "hotgraft.host.stats"
