"""Plugins that call one another while they are replaced: rings, depth, optional and real-time imports, own threads."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, _core
from native_sets import swap_set
from sample_plugins import Sample, Workshop, function, parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft import SwapReport

DEADLINE_S = 60.0
CALL_BACK = ctypes.CFUNCTYPE(ctypes.c_int64)
NOT_NOW, NOBODY = -2, -1
LINK = (
    function(
        "walk", 8, "i64", parameter("depth", "i64"), parameter("at", "i64"), parameter("address", "u64"), blocking=True
    ),
    function("try_next", 16, "i64"),
    function("reach", 24, "i64"),
    function("worked", 32, "i64"),
)
MORE = function("more", 40, "i64")


def link(
    name: str,
    leads_to: str,
    build: int = 1,
    *,
    optional: bool = False,
    accepts: str = "^1.0",
    flags: tuple[str, ...] = (),
) -> Sample:
    """Return one of a ring."""
    return Sample(
        source="host_link",
        name=name,
        build=build,
        interface=name,
        functions=LINK,
        hands_over=True,
        requires=((leads_to, accepts),),
        optional=optional,
        cycle=True,
        flags=(f"-DLINK_NAME={name}", f"-DLINK_NEXT={leads_to}", f'-DLINK_RANGE="{accepts}"', *flags),
    )


RING = {"a": link("a", "b"), "b": link("b", "c"), "c": link("c", "a", optional=True)}


@pytest.fixture
def ring(build: Workshop) -> Iterator[Host]:
    """a calls b, b calls c, c calls a."""
    with Host(probe="off") as host:
        for name in "cba":
            host.load(build(RING[name]))
        host.reload("c")  # now that there is an a
        yield host


def walk_amid_a_swap(host: Host, image: Any, replaced: str, depth: int, at: int) -> tuple[int, SwapReport]:
    """Walk around the ring, and replace one of it in between: its gate is closed when the walk goes on."""
    reports: list[SwapReport] = []
    swap = threading.Thread(target=lambda: reports.append(host.reload(replaced, image)))
    slot = next(iter(host._loaded(replaced).instances["main"].slots.values()))

    @CALL_BACK  # type: ignore[untyped-decorator] # ctypes says no types
    def begin_swap() -> int:
        swap.start()
        while not slot.is_gated:
            assert swap.is_alive()
            threading.Event().wait(0.002)
        return 0

    a: Any = host["a"]
    answer = a.walk(depth, at, ctypes.cast(begin_swap, ctypes.c_void_p).value)
    swap.join(DEADLINE_S)
    return answer, reports[0]


@pytest.mark.parametrize("replaced", ["a", "b", "c"])
def test_a_ring_of_calls_goes_on_while_any_of_it_is_replaced(ring: Host, build: Workshop, replaced: str) -> None:
    """a → b → c → a, and the gate of one is closed before the last step: the thread is inside, so it passes."""
    image = build(replace(RING[replaced], build=2))
    answer, report = walk_amid_a_swap(ring, image, replaced, depth=3, at=1)

    assert answer == 1111  # one side within one outer call
    assert report.outcome == "published"
    assert "drain" in [step.step for step in report.pause_steps]
    a: Any = ring["a"]
    assert a.walk(3, -1, 0) == {"a": 2112, "b": 1121, "c": 1211}[replaced]


@pytest.mark.parametrize("replaced", ["a", "b", "c"])
def test_a_recursion_beyond_one_record_passes_a_gate_that_closes_in_its_midst(
    ring: Host, build: Workshop, replaced: str
) -> None:
    """What proves that a thread is inside may lie in a record of before: 15 fit into one."""
    image = build(replace(RING[replaced], build=2))
    answer, report = walk_amid_a_swap(ring, image, replaced, depth=100, at=50)

    assert set(str(answer)) == {"1"}
    assert report.outcome == "published"


def test_an_optional_import_is_nobody_until_it_is_bound_anew(build: Workshop) -> None:
    """A plugin that can do without is loaded without, and does not wait."""
    with Host(probe="off") as host:
        c: Any = host.load(build(RING["c"]))
        assert (c.walk(1, -1, 0), c.try_next()) == (NOBODY, NOT_NOW)
        host.load(build(RING["b"]))
        host.load(build(RING["a"]))
        assert c.walk(1, -1, 0) == NOBODY  # as it was bound
        host.reload("c")
        assert (c.walk(1, -1, 0), c.try_next()) == (11, 1)


def test_a_real_time_caller_is_told_not_now_at_a_closed_gate(ring: Host, build: Workshop) -> None:
    """A thread that must not wait calls with try_enter; by HOTGRAFT_REALTIME what it calls does not wait either."""
    a: Any = ring["a"]
    found: dict[str, int] = {}

    def at(step: str) -> None:
        """On a thread that does not carry the swap out; it comes back while the gates are still closed."""
        caller = threading.Thread(target=lambda: found.update({step: a.try_next()}))
        caller.start()
        caller.join(DEADLINE_S)
        assert not caller.is_alive()

    _core._seams.set_step_hook(at)
    try:
        swap_set(ring, {"b": build(replace(RING["b"], build=2))})  # alone, of a cycle
    finally:
        _core._seams.set_step_hook(None)

    assert found["close gates"] == 1  # not yet
    assert {found[step] for step in ("drain", "quiesce", "surrender", "take", "start", "publish")} == {NOT_NOW}
    assert a.try_next() == 2


def swap_with_worker(host: Host, build: Workshop, way: str) -> Any:
    """Replace, as one, a plugin with a thread of its own and the one which that calls."""
    a = host._loaded("a")
    config = f'{{"worker": "{way}"}}'
    host.reload("a", config={"worker": way})
    while host["a"].worked() == 0:
        threading.Event().wait(0.002)
    assert a.configs == {"main": config}
    images = {name: build(replace(RING[name], build=2)) for name in ("a", "b")}
    slot = host._loaded("b").instances["main"].slots["b/1"]

    def at(step: str) -> None:
        """Hold still not before the thread has met the gate."""
        while step == "drain" and way == "waits" and slot.waiting == 0:
            threading.Event().wait(0.001)

    _core._seams.set_step_hook(at)
    try:
        return swap_set(host, images, deadline_s=1.0)
    finally:
        _core._seams.set_step_hook(None)


def test_a_plugins_own_thread_is_joined_by_quiesce_though_it_calls_another_member(ring: Host, build: Workshop) -> None:
    """It calls without waiting, so that it sees that it is to stop."""
    assert swap_with_worker(ring, build, "tries").failure is None
    a: Any = ring["a"]
    while a.worked() == 0:  # the new one has a thread of its own
        threading.Event().wait(0.002)
    assert a.walk(1, -1, 0) == 22
    assert ring.unloads(10).waiting == ()  # no thread was left in what was replaced
    assert ring.unloads().stuck == ()


@pytest.mark.control
def test_a_plugins_own_thread_that_waits_at_a_gate_of_its_own_set_has_it_called_off(
    ring: Host, build: Workshop
) -> None:
    """The gate waits for the swap, the swap for quiesce, and quiesce for the thread: it ends at the deadline."""
    record = swap_with_worker(ring, build, "waits")

    assert record.failure is not None
    assert "quiesce still answered" in record.failure[1]
    a: Any = ring["a"]
    worked = a.worked()
    while a.worked() == worked:  # it serves on, with its thread
        threading.Event().wait(0.002)
    assert (
        swap_set(ring, {"a": build(RING["a"])}, configs={"a": "{}"}).failure is None
    )  # alone: it ends with its thread


def test_a_registered_thread_waits_at_no_gate_of_its_own_set(ring: Host, build: Workshop) -> None:
    """It calls with enter like anybody, passes until its quiesce has joined it, and the swap goes through."""
    assert swap_with_worker(ring, build, "registers").failure is None
    a: Any = ring["a"]
    while a.worked() == 0:  # the new one has a thread of its own
        threading.Event().wait(0.002)
    assert a.walk(1, -1, 0) == 22
    assert ring.unloads(10).waiting == ()
    assert ring.unloads().stuck == ()


def test_a_consumer_that_knows_1_2_makes_do_with_1_1(build: Workshop) -> None:
    """A provider within the range may lack what was appended; HOTGRAFT_HAS tells, at each call."""
    knows = ("-DLINK_KNOWS_MORE",)
    older = replace(link("b", "a", optional=True, flags=knows), interface_version=(1, 1), version="1.1.0")
    newer = replace(
        link("b", "a", 2, optional=True, flags=(*knows, "-DLINK_MORE")),
        interface_version=(1, 2),
        version="1.2.0",
        functions=(*LINK, MORE),
    )
    with Host(probe="off") as host:
        host.load(build(older))
        consumer: Any = host.load(build(link("a", "b", accepts="^1.1", flags=knows)))
        assert consumer.reach() == 1
        host.reload("b", build(newer))
        assert consumer.reach() == 102
        host.reload("b", build(older), allow_downgrade=True)
        assert consumer.reach() == 1
