"""Call-backs between plugins follow the swaps of who is called back: a retired generation is never called (D09)."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainTimeout, Host, HotgraftError, _core
from hotgraft.core.reload_set import Reason, reload_set
from hotgraft.host.leases import lease_holders
from native_sets import swap_set
from sample_plugins import BELL, HEARER, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Sized

DEADLINE_S = 60.0
FOR_EVER_S = 86_400.0
OK, AGAIN, INVALID = 0, 1, -3
KEEPS_LIST = replace(BELL, hands_over=True)
NEW = replace(HEARER, build=2)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host without a probe: the bell is in this process."""
    with Host(probe="off") as made:
        yield made


def load_pair(host: Host, build: Workshop, **config: Any) -> tuple[Any, Any]:
    """Return a bell and who is called back by it."""
    return host.load(build(BELL)), host.load(build(HEARER), config=config)


def test_the_next_generation_is_called_back_and_the_old_one_leaves_memory(host: Host, build: Workshop) -> None:
    """Nobody had to take the old one off a list: the number leads to what serves."""
    bell, hearer = load_pair(host, build)
    number = hearer.number()
    assert bell.ring() == 1

    host.reload("hearer", build(NEW))

    assert (bell.ring(), bell.listed(), hearer.number()) == (2, 1, number)
    assert host.unloads(10).proven == 1


@pytest.mark.control
def test_an_address_on_a_list_is_called_back_after_its_generation_is_gone_from_service(
    host: Host, build: Workshop
) -> None:
    """Without numbers: the old generation is called back, and if no pin kept it the process would end there."""
    bell, hearer = load_pair(host, build, raw=1)
    with hearer.pin():
        host.reload("hearer", build(NEW), config={"mute": 1})

        assert hearer.generation == 2
        assert bell.ring() == 1


def test_what_is_offered_no_more_is_over(host: Host, build: Workshop) -> None:
    """Who calls back is told, and forgets the number; the old generation is not waited for by anybody."""
    bell, _ = load_pair(host, build)
    host.reload("hearer", build(NEW), config={"mute": 1})

    assert bell.listed() == 1
    assert (bell.ring(), bell.listed()) == (0, 0)
    assert host.unloads(10).proven == 1


def test_a_swap_that_is_called_off_leaves_the_old_one_to_be_called_back(host: Host, build: Workshop) -> None:
    """Its candidate offered the same key, and never served."""
    bell, _ = load_pair(host, build)
    with pytest.raises(HotgraftError):
        host.reload("hearer", build(NEW), config={"fail": "start"})

    assert (bell.ring(), bell.listed()) == (1, 1)
    assert host.unloads(10).waiting == ()


def test_a_call_back_that_is_inside_is_drained(host: Host, build: Workshop, tmp_path: Path) -> None:
    """It is a call like any other: nothing of the instance is touched before it has returned."""
    until = tmp_path / "until"
    bell, _ = load_pair(host, build, hold="rung", until=str(until))
    answers: list[int] = []
    ringer = threading.Thread(target=lambda: answers.append(bell.ring()))
    ringer.start()
    try:
        while not Path(f"{until}.inside").exists():
            threading.Event().wait(0.002)
        with pytest.raises(DrainTimeout, match="thread"):
            host.reload("hearer", build(NEW), config={}, deadline_s=0.2)
    finally:
        until.touch()
        ringer.join(DEADLINE_S)
    assert answers == [1]
    assert host.reload("hearer", build(NEW), config={}).generation == 3
    assert bell.ring() == 2


def ring_amid_a_swap(host: Host, build: Workshop) -> list[int]:
    """Ring while the old generation holds still and the new one does not serve; return what was answered."""
    bell, _ = load_pair(host, build)
    answers: list[int] = []
    ringers: list[threading.Thread] = []

    def at(step: str) -> None:
        if step == "start":
            ringers.append(threading.Thread(target=lambda: answers.append(bell.ring())))
            ringers[0].start()
            ringers[0].join(0.2)  # one that waits at a gate goes on when the swap is over

    _core._seams.set_step_hook(at)
    try:
        host.reload("hearer", build(replace(NEW, more=False)))
    finally:
        _core._seams.set_step_hook(None)
        ringers[0].join(DEADLINE_S)
    return answers


def test_a_call_back_amid_a_swap_waits_and_finds_the_new_generation(host: Host, build: Workshop) -> None:
    """None is lost, and none runs in something that holds still."""
    assert ring_amid_a_swap(host, build) == [2]


@pytest.mark.control
def test_without_their_slots_among_those_of_the_swap_the_old_generation_is_called_back_amid_it(
    host: Host, build: Workshop
) -> None:
    """The gate in front of call-backs is what keeps callers out of a window."""
    _core._seams.set_no_callback_gates(True)
    try:
        assert ring_amid_a_swap(host, build) != [2]
    finally:
        _core._seams.set_no_callback_gates(False)


def test_a_call_back_waits_while_its_plugin_is_read_at_rest(host: Host, build: Workshop, tmp_path: Path) -> None:
    """A snapshot, or a copy for the probe, is of one moment: nobody is inside, by whatever way."""
    until = tmp_path / "until"
    bell: Any = host.load(build(BELL))
    host.load(build(replace(HEARER, saves=True)), config={"hold": "quiesce", "until": str(until)})
    serving = host._loaded("hearer").serving.generation
    slots = list(host._loaded("hearer").instances["main"].slots.values())
    reader = threading.Thread(target=lambda: _core.take_snapshot(serving, slots, DEADLINE_S, DEADLINE_S, None))
    reader.start()
    answers: list[int] = []
    try:
        while not Path(f"{until}.inside").exists():
            assert reader.is_alive()
            threading.Event().wait(0.002)
        ringer = threading.Thread(target=lambda: answers.append(bell.ring()))
        ringer.start()
        ringer.join(0.1)  # it waits
        assert answers == []
    finally:
        until.touch()
        reader.join(DEADLINE_S)
    ringer.join(DEADLINE_S)
    assert answers == [1]


def test_no_call_back_is_lost_while_its_plugin_is_replaced_without_a_pause(
    host: Host, build: Workshop, sized: Sized
) -> None:
    """Promise 1 for call-backs: each ring is answered by one generation, and never by an older one than before."""
    bell, _ = load_pair(host, build)
    builds = [build(replace(HEARER, build=number)) for number in (1, 2)]
    answers: list[int] = []
    over = threading.Event()

    def ring() -> None:
        while not over.is_set():
            answers.append(bell.ring())

    ringer = threading.Thread(target=ring)
    ringer.start()
    swaps = sized(quick=8, full=300)
    try:
        for number in range(swaps):
            host.reload("hearer", builds[(number + 1) % 2])
    finally:
        over.set()
        ringer.join(DEADLINE_S)
    assert set(Counter(answers)) <= {1, 2}
    turns = sum(before != after for before, after in itertools.pairwise(answers))
    assert turns <= swaps
    assert host.unloads(10).waiting == ()


def test_a_rollback_lets_the_number_lead_back(build: Workshop) -> None:
    """Also where who calls back had forgotten it: it serves again, and says its number again."""
    with Host(probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S) as host:
        bell, _ = load_pair(host, build)
        host.reload("hearer", build(NEW))
        assert bell.ring() == 2
        host.rollback("hearer")
        assert bell.ring() == 1
        host.reload("hearer", build(NEW), config={"mute": 1})
        assert (bell.ring(), bell.listed()) == (0, 0)
        host.rollback("hearer")
        assert (bell.ring(), bell.listed()) == (1, 1)


def test_the_number_stays_true_over_swaps_of_who_holds_it(host: Host, build: Workshop) -> None:
    """It is a number, so it crosses with any state."""
    bell: Any = host.load(build(KEEPS_LIST))
    host.load(build(HEARER))
    host.reload("bell", build(replace(KEEPS_LIST, build=2)))

    assert (bell.ring(), bell.listed()) == (1, 1)


def test_a_bell_without_state_is_told_again(host: Host, build: Workshop) -> None:
    """`changed` is the place for it: the list is made anew by those on it."""
    bell, _ = load_pair(host, build)
    host.reload("bell", build(replace(BELL, build=2)))

    assert (bell.ring(), bell.listed()) == (1, 1)


@pytest.mark.parametrize("kept", [BELL, KEEPS_LIST], ids=["told again", "with its state"])
def test_both_in_one_swap(host: Host, build: Workshop, kept: Any) -> None:
    """Who is called back cannot reach the bell while both are replaced; afterwards the new rings the new, once."""
    bell: Any = host.load(build(kept))
    host.load(build(HEARER))
    record = swap_set(host, {"hearer": build(NEW), "bell": build(replace(kept, build=2))})

    assert record.failure is None
    assert (bell.ring(), bell.listed()) == (2, 1)
    assert host.unloads(10).proven == 2


def test_a_call_back_from_within_a_call_of_who_is_called_back(host: Host, build: Workshop) -> None:
    """The thread that is inside passes the closed gate to its own generation: it would wait for itself."""
    _, hearer = load_pair(host, build)

    assert hearer.ring_there() == 1


def test_each_instance_has_a_number_of_its_own(host: Host, build: Workshop) -> None:
    """A key is an instance's."""
    bell: Any = host.load(build(BELL))
    left: Any = host.load(build(HEARER), instance="left")
    right: Any = host.load("hearer", instance="right")
    assert left.number() != right.number()
    assert bell.ring() == 2

    host.reload("hearer", build(NEW))
    assert (bell.ring(), bell.listed()) == (4, 2)


def test_what_is_withdrawn_is_called_no_more(host: Host, build: Workshop) -> None:
    """And who withdraws knows when nobody is inside."""
    bell, hearer = load_pair(host, build)
    assert hearer.withdraw() == OK
    assert hearer.withdraw() == INVALID
    assert (bell.ring(), bell.listed()) == (0, 0)


def test_what_is_withdrawn_from_inside_is_asked_again(host: Host, build: Workshop, tmp_path: Path) -> None:
    """OK is a promise: with a call inside it would be none."""
    until = tmp_path / "until"
    bell, hearer = load_pair(host, build, hold="rung", until=str(until))
    ringer = threading.Thread(target=bell.ring)
    ringer.start()
    try:
        while not Path(f"{until}.inside").exists():
            threading.Event().wait(0.002)
        assert hearer.withdraw() == AGAIN
    finally:
        until.touch()
        ringer.join(DEADLINE_S)
    assert hearer.withdraw() == OK


@pytest.mark.parametrize("fails", [False, True])
def test_what_quiesce_withdraws_stays_closed(host: Host, build: Workshop, *, fails: bool) -> None:
    """Also where the swap is called off: it was told that no call will come."""
    bell, _ = load_pair(host, build, withdraw="quiesce")
    if fails:
        with pytest.raises(HotgraftError):
            host.reload("hearer", build(NEW), config={"fail": "start", "mute": 1})
    else:
        host.reload("hearer", build(NEW), config={"mute": 1})

    assert (bell.ring(), bell.listed()) == (0, 0)


def test_a_closed_plugins_number_leads_nowhere_and_is_never_given_again(build: Workshop) -> None:
    """Its cell is used again by others; the number says which use of it is meant."""
    with Host(probe="off") as first, Host(probe="off") as second:
        bell: Any = first.load(build(BELL))
        second.load(build(BELL))
        hearer: Any = second.load(build(HEARER))
        number = hearer.number()
        assert bell.ring_one(number) == 1  # numbers are the process's
        second.close()
        assert second.unloads(10).waiting == ()
        assert bell.ring_one(number) == 0
        other: Any = first.load(build(replace(HEARER, build=7)))
        assert other.number() != number
        assert (bell.ring_one(number), bell.ring_one(other.number())) == (0, 7)
        assert [bell.ring_one(wrong) for wrong in (0, 1, 2**32, 2**64 - 1)] == [0, 0, 0, 0]


def test_who_holds_leased_objects_is_in_the_reload_set(host: Host, build: Workshop) -> None:
    """An object cannot follow: who has it must let go of it in the same swap."""
    host.load(build(replace(STATELESS, name="other")))
    _, hearer = load_pair(host, build)
    assert lease_holders(host._listed()) == {}  # a number follows
    assert hearer.lease_to_bell() != 0

    leases = lease_holders(host._listed())
    assert leases == {"hearer": frozenset({"bell"})}
    graph = host.graph()
    found = reload_set(graph, {"hearer": graph.plugins["hearer"]}, leases=leases)
    assert found.names == ("bell", "hearer")
    assert {one.plugin: one.reason for one in found.members}["bell"] is Reason.LEASE
    assert host.plan("hearer").names == ("bell", "hearer")

    assert hearer.lease_to_bell() == 0  # given back
    assert lease_holders(host._listed()) == {}
    assert host.plan("hearer").names == ("hearer",)


def test_who_holds_leased_objects_is_replaced_together_with_who_gave_them(host: Host, build: Workshop) -> None:
    """Nothing but the lease connects a bell with a hearer that is replaced."""
    _, hearer = load_pair(host, build)
    assert hearer.lease_to_bell() != 0
    report = host.reload("hearer", build(replace(HEARER, build=2)))
    assert report.set is not None
    assert tuple(report.set.members) == ("bell", "hearer")
    assert (host["bell"].generation, hearer.generation) == (2, 2)
    assert lease_holders(host._listed()) == {}
    assert host.unloads(DEADLINE_S).proven == 2


def test_what_is_pinned_is_not_quiesced_for_its_call_backs(host: Host, build: Workshop) -> None:
    """One slot without state needs no gate; its call-backs need one, and behind it pins stay with who answers them."""
    bell, hearer = load_pair(host, build)
    assert bell.enlist(hearer.number()) is None
    with hearer.pin() as pinned:
        report = host.reload("hearer", build(replace(HEARER, build=2)))
        assert "leave pins" in [one.step for one in report.steps]
        assert pinned.number() == hearer.number()
