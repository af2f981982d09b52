"""The way over converters is the shortest there is, and what is missing in it is told before anything moves."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hotgraft.core.c_types import Scalar
from hotgraft.core.converters import Chain, Converter, between, find_chain, gaps, read_step
from hotgraft.core.layout import StateLayout
from hotgraft.core.plan import Action, Place, Running, Side, make_plan
from hotgraft.core.rollback import needs_fresh, plan_rollback
from hotgraft.core.state import Crossing, StateFacts, choose_crossing
from hotgraft.core.surface import Member, Record, Surface
from hypothesis import given
from hypothesis import strategies as st

STEPS = st.tuples(st.integers(1, 6), st.integers(1, 6)).filter(lambda one: one[0] != one[1])
SIDES = st.sampled_from(["candidate", "running", "host"])
KNOWN = st.lists(st.builds(lambda step, side: row(step[0], step[1], side), STEPS, SIDES), max_size=12)

SAVES = StateFacts(kind="single", schema=1, can_save=True)
LAYOUT = StateLayout(
    struct="counter_state",
    types={
        "counter_state": Record(
            kind="struct", bytes=8, align=8, members=(Member(name="count", type=Scalar("i64"), offset_bits=0),)
        )
    },
)
BLOCK = StateFacts(kind="single", schema=1, can_hand_over=True, layout_id=7, layout=LAYOUT)


def row(before: int, after: int, side: str = "host") -> Converter:
    return Converter(from_schema=before, to_schema=after, side=side)  # type: ignore[arg-type] # of SIDES


def at(facts: StateFacts, schema: int, *converters: tuple[int, int]) -> StateFacts:
    return replace(facts, schema=schema, converters=converters)


def slowly(known: list[Converter], old: int, new: int) -> list[tuple[Converter, ...]]:
    """Every way that leads from `old` to `new` and always towards it, by trying all."""
    if old == new:
        return [()]
    ahead = [
        one for one in known if one.from_schema == old and (old < one.to_schema <= new or old > one.to_schema >= new)
    ]
    return [(one, *rest) for one in ahead for rest in slowly(known, one.to_schema, new)]


@given(KNOWN, st.integers(1, 6), st.integers(1, 6))
def test_the_chain_is_as_short_as_the_shortest_of_all(known: list[Converter], old: int, new: int) -> None:
    """Against every way there is; of those as short, one with the fewest of the program's."""
    ways = slowly(known, old, new)

    chain = find_chain(known, old, new)

    if chain is None:
        assert not ways
        return
    assert chain in ways
    assert (len(chain), programs(chain)) == min((len(one), programs(one)) for one in ways)


def programs(way: tuple[Converter, ...]) -> int:
    return sum(one.side == "host" for one in way)


@given(KNOWN, st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_in_which_converters_are_known_says_nothing(
    known: list[Converter], old: int, new: int, shuffle: object
) -> None:
    """Two hosts that know the same go the same way."""
    other = list(known)
    shuffle.shuffle(other)  # type: ignore[attr-defined] # a Random

    assert find_chain(known, old, new) == find_chain(other, old, new)


def test_a_library_s_own_converter_goes_before_the_program_s() -> None:
    """It needs no interpreter while callers wait; the candidate's is the newer word."""
    chain = find_chain([row(1, 2), row(1, 2, "running"), row(1, 2, "candidate")], 1, 2)

    assert chain == (row(1, 2, "candidate"),)


def test_a_gap_says_how_far_each_end_reaches() -> None:
    """Who reads it knows which converter to write."""
    found = gaps([row(1, 2, "running"), row(4, 5, "candidate"), row(7, 8)], 1, 5)

    assert found == (
        "there is a gap in the converters up from schema 1 to 5: from 1 they lead to 2, and 4 leads to 5",
        "converters known between the two: converter 1→2 (of what runs), converter 4→5 (the candidate's)",
    )


@pytest.mark.parametrize("old", [SAVES, BLOCK], ids=["saves", "block"])
@pytest.mark.parametrize("new", [SAVES, BLOCK], ids=["saves", "block"])
def test_converters_cross_between_saved_values_and_blocks(old: StateFacts, new: StateFacts) -> None:
    """An author who goes from a block to save and restore loses nobody's state."""
    plan = make_plan("counter", running(at(old, 1)), side(at(new, 2, (1, 2))))

    assert plan.crossing is Crossing.CONVERTERS
    assert plan.refusals == ()
    moves = [step.action for step in plan.at(Place.WINDOW) if step.action in MOVES]
    assert moves == [
        Action.SAVE if old is SAVES else Action.SURRENDER,
        Action.RUN_CONVERTERS,
        Action.RESTORE if new is SAVES else Action.TAKE,
    ]


MOVES = (Action.SAVE, Action.SURRENDER, Action.RUN_CONVERTERS, Action.RESTORE, Action.TAKE)


def test_a_converter_goes_before_restore_and_before_the_names_of_fields() -> None:
    """Where one lies between, something changed its meaning: neither of those would know."""
    for facts in (SAVES, BLOCK):
        assert choose_crossing(facts, at(facts, 2), converters=(row(1, 2),)).crossing is Crossing.CONVERTERS


@pytest.mark.parametrize(("old", "new"), [(1, 3), (3, 1)])
def test_with_a_gap_neither_names_nor_restore_step_in(old: int, new: int) -> None:
    """Fault M05: what lies between says that the meaning changed; half a chain would give wrong numbers, silently."""
    choice = choose_crossing(at(SAVES, old), at(SAVES, new), goes_back=new < old, converters=(row(1, 2),))

    assert choice.crossing is None
    assert any("there is a gap" in one for one in choice.refusals)


def test_converters_elsewhere_say_nothing() -> None:
    """Those of other schemas have no word in this swap."""
    assert between([row(4, 5), row(1, 4)], 1, 2) == ()
    assert choose_crossing(SAVES, at(SAVES, 2), converters=(row(2, 3),)).crossing is Crossing.RESTORE


def test_a_block_that_nobody_describes_is_no_values() -> None:
    """Nothing is guessed: both sides at once say what they lack."""
    bare = replace(BLOCK, layout=None)

    refusals = choose_crossing(bare, at(bare, 2), converters=(row(1, 2),)).refusals

    assert [one.partition(":")[2][:16] for one in refusals] == [" what runs offer", " the candidate o"]


def test_the_plan_names_what_callers_wait_for_the_interpreter_for() -> None:
    """DESIGN §9: a Python converter in the window is the exception, and the plan says so."""
    known = running(at(SAVES, 1), Converter(from_schema=1, to_schema=2, side="host", name="scale, app.py:3"))

    text = str(make_plan("counter", known, side(at(BLOCK, 3, (2, 3)))))

    assert "state: converters" in text
    assert "callers wait for the interpreter: converter 1→2 (scale, app.py:3)" in text
    assert "callers wait for the interpreter: a block is made of fields" in text
    assert "converter 2→3 (the candidate's)" in text


def test_a_chain_of_libraries_between_saved_values_needs_no_interpreter() -> None:
    """C all the way: the window stays native."""
    assert Chain(steps=(row(1, 2, "candidate"), row(2, 3, "running"))).interpreted == ()


def test_the_way_back_restores_into_fresh_instances_and_takes_into_those_that_served() -> None:
    """As without converters."""
    for held, is_fresh in ((SAVES, True), (BLOCK, False)):
        plan = plan_rollback("counter", running(at(SAVES, 2, (2, 1))), side(at(held, 1)))

        assert plan.crossing is Crossing.CONVERTERS
        assert needs_fresh(plan) is is_fresh


NO_STEPS = ("1->1", "0->2", "1-2", "->", "1->99999999999", "one->two", "1->2->3", "4294967296->1")


@pytest.mark.parametrize("text", NO_STEPS)
def test_what_is_no_step_is_no_step(text: str) -> None:
    """A manifest with a slip of the pen is refused by its author's tool, not by a swap."""
    with pytest.raises(ValueError, match=r"no step|to itself|schema lies"):
        read_step(text)


def test_a_step_is_read_as_it_is_meant() -> None:
    """Spaces are the author's."""
    assert [read_step(one) for one in ("1->2", " 10 -> 9 ")] == [(1, 2), (10, 9)]


def test_every_pair_of_schemas_is_reached_over_single_steps() -> None:
    """The usual case: each version brings the step to its own schema, and the one back."""
    known = [row(one, one + 1) for one in range(1, 5)] + [row(one + 1, one) for one in range(1, 5)]

    for old, new in itertools.permutations(range(1, 6), 2):
        chain = find_chain(known, old, new)
        assert chain is not None and len(chain) == abs(new - old)


def side(state: StateFacts) -> Side:
    return Side(surface=Surface(label="counter 1.0.0", version="1.0.0", abi=(1, 0), state=state))


def running(state: StateFacts, *converters: Converter) -> Running:
    return Running(generation=1, side=side(state), instances=("main",), converters=converters)
