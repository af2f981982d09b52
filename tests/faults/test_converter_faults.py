"""Converters that fail, loop, crash or make rubbish: refused, and the old state is what it was, bit for bit."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import HANG_S
from hotgraft import Host, Outcome, _core
from hotgraft.core.errors import (
    Busy,
    HotgraftError,
    ProbeError,
    RollbackBlocked,
    StateError,
    SwapTimeout,
)
from hotgraft.core.probation import Criterion
from hotgraft.core.verdict import Breach, Verdict
from hotgraft.core.verdict import Outcome as VerdictOutcome
from hotgraft.engine import converter_thread
from hotgraft.engine.journal_reading import history
from sample_plugins import CONVERTS, SAVES, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, TWO = replace(SAVES, schema=1), replace(SAVES, schema=2, build=2, version="1.1.0")
BLOCK_ONE, BLOCK_TWO = replace(CONVERTS, schema=1), replace(CONVERTS, schema=2, build=2, version="1.1.0")
SHORT_S = 0.3
DEADLINE_S = 30.0


def served(host: Host, image: Path) -> Any:
    """Return a counter that has counted to five."""
    counter: Any = host.load(image)
    counter.add(5)
    return counter


def refusal(host: Host, image: Path, kind: type[HotgraftError] = StateError) -> HotgraftError:
    """Return the error of a swap that is refused; afterwards what ran still runs, with what it had."""
    counter: Any = host["counter"]
    with pytest.raises(kind) as caught:
        host.reload("counter", image)
    assert (counter.build(), counter.add(0)) == (1, 5)
    assert caught.value.running == "generation 1 still serves"
    assert host.unloads(DEADLINE_S).stuck == ()
    return caught.value


def loop(_: dict[str, Any]) -> dict[str, Any]:
    """Never come back, and hold the interpreter as often as it is given."""
    while True:
        pass


def throw(values: dict[str, Any]) -> dict[str, Any]:
    return {"count": values["cuont"]}


def leave(_: dict[str, Any]) -> dict[str, Any]:
    raise SystemExit(3)


@pytest.fixture(params=["not probed", pytest.param("probed", marks=pytest.mark.full)])
def host(request: pytest.FixtureRequest) -> Any:
    probe = "start" if request.param == "probed" else "off"
    with Host(probe=probe, probe_deadline_s=HANG_S, swap_deadline_s=SHORT_S) as it:
        yield it


# --- M06: it fails ---


@pytest.mark.parametrize(("one", "two"), [(ONE, TWO), (BLOCK_ONE, BLOCK_TWO)], ids=["saved", "block"])
def test_what_a_converter_raises_is_told_with_its_name_and_its_lines(
    host: Host, build: Workshop, one: Sample, two: Sample
) -> None:
    """Fault M06: which converter, of which plugin, what it said and where."""
    served(host, build(one))
    host.converter("counter", from_schema=1, to_schema=2)(throw)

    error = refusal(host, build(two))

    assert "converter 1→2 (throw, test_converter_faults.py:" in error.found[0]
    assert error.found[0].endswith("KeyError: 'cuont'")
    assert any('return {"count": values["cuont"]}' in one for one in error.__notes__)
    assert "docs/converters.md" in error.advice


@pytest.mark.parametrize("how", ["fails", "twice_the_key"])
def test_what_a_converter_in_c_says_is_told(host: Host, build: Workshop, how: str) -> None:
    """Fault M06; one that swallows what the sink told it is found out as well."""
    served(host, build(ONE))

    error = refusal(host, build(replace(TWO, converters=((1, 2, how),))), HotgraftError)

    assert "converter 1→2" in error.found[0]
    assert ("no such unit" if how == "fails" else "put before") in error.found[0]


@pytest.mark.parametrize("how", ["fails", "twice_the_key"])
def test_a_converter_in_c_that_fails_is_refused_in_the_probe(probing: Host, build: Workshop, how: str) -> None:
    """Fault M06: what the probe knows is said there, and nothing of the candidate is mapped here."""
    served(probing, build(ONE))

    error = refusal(probing, build(replace(TWO, converters=((1, 2, how),))), StateError)

    assert "in the probe" in error.tried
    assert "map" not in [one.step for one in error.report.steps]  # type: ignore[attr-defined] # of a swap's


def test_a_converter_in_c_that_crashes_does_so_in_the_probe(probing: Host, build: Workshop) -> None:
    """Fault M06: this process goes on."""
    served(probing, build(ONE))

    error = refusal(probing, build(replace(TWO, converters=((1, 2, "crashes"),))), ProbeError)

    assert error.signal == "SIGSEGV"  # type: ignore[attr-defined] # of a ProbeError
    assert "crashes" in str(error)


def test_a_converter_that_leaves_ends_nothing(host: Host, build: Workshop) -> None:
    """Fault M06: whatever gets out of it is its failure, and not the program's end."""
    served(host, build(ONE))
    host.converter("counter", from_schema=1, to_schema=2)(leave)

    assert "converter 1→2 (leave, test_converter_faults.py:" in (found := refusal(host, build(TWO)).found[0])
    assert "SystemExit: 3" in found


# --- M07: it does not return ---


@pytest.mark.parametrize(("one", "two"), [(ONE, TWO), (BLOCK_ONE, BLOCK_TWO)], ids=["saved", "block"])
def test_a_converter_that_loops_is_given_up_and_told_to_stop(
    host: Host, build: Workshop, one: Sample, two: Sample
) -> None:
    """Fault M07: the swap is called off at its deadline; the thread has nothing but a copy, and comes to its end."""
    served(host, build(one))
    host.converter("counter", from_schema=1, to_schema=2)(loop)
    before = threading.active_count()

    error = refusal(host, build(two), HotgraftError)

    assert isinstance(error, StateError | SwapTimeout)
    assert "converter 1→2 (loop, test_converter_faults.py:" in error.found[0]
    assert "has not returned" in error.found[0]
    wait_until(lambda: threading.active_count() <= before)


@pytest.mark.control
def test_a_loop_that_nobody_stops_goes_on(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the exception the thread would take turns with the program for ever."""
    monkeypatch.setattr(converter_thread.ConverterThread, "stop", lambda thread: None)
    out = threading.Event()

    def loop_on(values: dict[str, Any]) -> dict[str, Any]:
        while not out.is_set():
            pass
        return values

    with Host(probe="off", swap_deadline_s=SHORT_S) as host:
        served(host, build(ONE))
        host.converter("counter", from_schema=1, to_schema=2)(loop_on)
        refusal(host, build(TWO), SwapTimeout)
        time.sleep(SHORT_S)
        late = host._around.converters.threads.late
        out.set()

    assert late == 1


def test_a_converter_that_cannot_be_stopped_is_counted_and_four_are_enough(build: Workshop) -> None:
    """Fault M07: what hears no exception stays behind; the fifth is not begun, and nothing else stands still."""
    out = threading.Event()

    def stubborn(values: dict[str, Any]) -> dict[str, Any]:
        while not out.is_set():
            try:
                out.wait(0.01)
            except BaseException:  # that is what it is for
                continue
        return values

    with Host(probe="off", swap_deadline_s=0.1) as host:
        served(host, build(ONE))
        host.converter("counter", from_schema=1, to_schema=2)(stubborn)
        for _ in range(4):
            refusal(host, build(TWO), SwapTimeout)
        assert "4 threads are left behind" in refusal(host, build(TWO), Busy).found[0]

        out.set()
        wait_until(lambda: host._around.converters.threads.late == 0)
        host.converter("counter", from_schema=1, to_schema=2, replace=True)(dict)
        host.reload("counter", build(TWO))


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_converter_in_c_that_hangs_does_so_in_the_probe(tired: Host, build: Workshop) -> None:
    """Fault M07: no thread of this process is lost to it."""
    served(tired, build(ONE))

    error = refusal(tired, build(replace(TWO, converters=((1, 2, "hangs"),))), ProbeError)

    assert "did not return" in error.found[0]


HANGS_HERE = """
from dataclasses import replace
from hotgraft import Host
from hotgraft.core.errors import PluginAbandoned
from sample_plugins import SAVES, shared_workshop

build = shared_workshop()
with Host(probe="off", swap_deadline_s=0.3) as host:
    counter = host.load(build(SAVES))
    counter.add(5)
    try:
        host.reload("counter", build(replace(SAVES, schema=2, version="1.1.0", converters=((1, 2, "hangs"),))))
    except PluginAbandoned as error:
        print(error.found[0])
    assert counter.add(1) == 6
    host.converter("counter", from_schema=1, to_schema=3)(dict)
    host.reload("counter", build(replace(SAVES, schema=3, version="1.2.0")))
    assert counter.add(1) == 7
    print(len(host.unloads(5.0).stuck), "stuck")
"""


@pytest.mark.full
def test_a_converter_in_c_that_hangs_unprobed_is_left_behind_with_its_library(build: Workshop) -> None:
    """Fault M07: its code stays mapped for the thread that is in it; what serves goes on and can be replaced."""
    build(replace(SAVES, schema=2, version="1.1.0", converters=((1, 2, "hangs"),)))
    ran = subprocess.run(
        [sys.executable, "-c", HANGS_HERE], cwd=Path(__file__).parent.parent, capture_output=True, text=True, timeout=60
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("run converters: converter 1→2")
    assert "has not returned" in ran.stdout


# --- every step made to fail ---

STEPS = {
    "saved": (ONE, TWO, ("save", "run converters", "restore", "start", "publish")),
    "block": (BLOCK_ONE, BLOCK_TWO, ("surrender", "run converters", "take", "start", "publish")),
}


@pytest.mark.parametrize(("form", "step"), [(form, step) for form, (_, _, steps) in STEPS.items() for step in steps])
def test_whatever_step_fails_the_old_state_is_what_it_was_and_the_swap_can_be_tried_again(
    unprobed: Host, build: Workshop, form: str, step: str
) -> None:
    """Undo is a property of the step; with converters in between as without."""
    one, two, _ = STEPS[form]
    counter = served(unprobed, build(one))
    unprobed.converter("counter", from_schema=1, to_schema=2)(
        lambda it: {"count": it["count"] * 10} | ({"spare1": 0} if form == "block" else {})
    )
    _core._seams.set_step_hook(lambda name: "fail" if name == step else "run")
    try:
        refusal(unprobed, build(two), HotgraftError)
    finally:
        _core._seams.set_step_hook(None)

    unprobed.reload("counter", build(two))

    assert (counter.build(), counter.add(0)) == (2, 50)
    assert unprobed.unloads(DEADLINE_S).stuck == ()


# --- M08: what it makes is no state ---


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"count": 5}, "spare1"),
        ({"count": 5, "spare1": 0, "spare2": 0}, "spare2"),
        ({"count": 1 << 70, "spare1": 0}, "count"),
        ({"count": "five", "spare1": 0}, "count"),
        ({"count": 5.5, "spare1": 0}, "count"),
        ([5, 0], "list"),
        (None, "NoneType"),
    ],
    ids=["missing", "unknown", "too large", "a text", "not whole", "no dict", "nothing"],
)
def test_what_is_no_state_of_the_new_layout_is_refused_by_field(
    host: Host, build: Workshop, made: Any, says: str
) -> None:
    """Fault M08: every field there, in range, and none that nobody knows."""
    served(host, build(BLOCK_ONE))
    host.converter("counter", from_schema=1, to_schema=2)(lambda _: made)

    error = refusal(host, build(BLOCK_TWO))

    assert "converter 1→2" in error.found[0]
    assert says in error.found[0]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"count": object()}, "object"),
        ({1: 2}, "a key is a text"),
        ({"": 2}, "a key has"),
        ({"count": 1 << 64}, "64 bits"),
    ],
    ids=["an object", "a number as key", "no key", "too large"],
)
def test_what_no_save_can_put_is_refused_by_key(host: Host, build: Workshop, made: Any, says: str) -> None:
    """Fault M08: only what saved state can hold crosses."""
    served(host, build(ONE))
    host.converter("counter", from_schema=1, to_schema=2)(lambda _: made)

    assert says in refusal(host, build(TWO)).found[0]


def test_a_block_that_a_converter_in_c_forgot_half_of_is_refused(host: Host, build: Workshop) -> None:
    """Fault M08: nothing is carried over by itself, and nothing is made up."""
    served(host, build(BLOCK_ONE))

    error = refusal(host, build(replace(BLOCK_TWO, converters=((1, 2, "tenfold"),))))

    assert "converter 1→2 (the candidate's): made no state of schema 2" in error.found[0]
    assert "spare1" in error.found[0]


# --- B03: the way down fails ---


@pytest.mark.parametrize("down", [throw, loop, None, "fails"], ids=["throws", "loops", "gap", "fails in C"])
@pytest.mark.parametrize("policy", ["keep", "refuse"])
def test_a_way_down_that_fails_in_an_automatic_rollback_goes_by_policy(
    build: Workshop, tmp_path: Path, down: Any, policy: str
) -> None:
    """Fault B03: the kept state serves and what was lost is counted, or the rollback is blocked; each has its word."""
    two = replace(TWO, converters=((1, 2, "tenfold"), (2, 1, "fails"))) if down == "fails" else TWO
    folder = tmp_path / "journal"
    with Host(
        probe="off",
        probation="on",
        probation_s=3600.0,
        journal=folder,
        swap_deadline_s=SHORT_S,
        rollback=policy,
    ) as host:
        counter = served(host, build(ONE))
        if down != "fails":
            host.converter("counter", from_schema=1, to_schema=2)(lambda it: {"count": it["count"] * 10})
        if callable(down):
            host.converter("counter", from_schema=2, to_schema=1)(down)
        host.reload("counter", build(two))
        counter.add(1)

        if policy == "refuse":
            with pytest.raises(RollbackBlocked) as blocked:
                host._changes.take_back(host._loaded("counter"), 2, BREACH)
            assert any("would be lost" in one for one in blocked.value.found)
            assert (counter.build(), counter.add(0)) == (2, 51)
        else:
            report = host._changes.take_back(host._loaded("counter"), 2, BREACH)
            assert (report.outcome, report.is_lossy) == (Outcome.ROLLED_BACK, True)
            assert (counter.build(), counter.add(0)) == (1, 5)
    words = {line.end.outcome for line in history(folder) if line.end is not None}
    assert ("rollback blocked" if policy == "refuse" else "rolled back") in words


BREACH = Verdict(VerdictOutcome.BREACH, (Breach(Criterion.ERRORS, "errors 0 of 900 → 90 of 900", 0.0, 0.1),))
