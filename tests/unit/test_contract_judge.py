"""contract_judge.py: every rule, by a table of changes; and what holds of all comparisons."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from contract_rows import Row, enum, function, interface, offering, parameter, record, typed
from contract_rows_functions import BOTH, BUFFERS, FLUSH, OFFERS, STEP
from contract_rows_promises import OUTPUTS, PROMISES, STATES
from contract_rows_types import GROWN, PAIR, SIZED, STRUCTS, UNIONS_ENUMS
from hotgraft.core.c_types import Scalar
from hotgraft.core.contract import Consumer
from hotgraft.core.contract_facts import Root
from hotgraft.core.contract_judge import compare
from hotgraft.core.contract_reach import IN, Reach, Use
from hotgraft.core.contract_rules import RULES, STATE_KINDS, Verdict, strictest
from hotgraft.core.contract_types import ROOTS_LIMIT
from hotgraft.core.surface import Record, Surface
from hypothesis import given
from hypothesis import strategies as st

ROWS: Final = (*OFFERS, *BUFFERS, *STRUCTS, *UNIONS_ENUMS, *PROMISES, *OUTPUTS, *STATES)
# Those that take consumers, or something else that a row has no place for; each has a test of its own below.
BY_THEMSELVES: Final = {"range-unmet", "feature-dropped-unused"}


@dataclass(frozen=True)
class Until:
    """A stand-in for a version range: all minors of major 1 below one."""

    minor: int

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Accept what is below."""
        return version[0] == 1 and version[1] < self.minor

    def __str__(self) -> str:
        return f"<1.{self.minor}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_change_comes_to_these_facts_and_no_other(row: Row) -> None:
    """A fact too few lets a break in; one too many keeps an author from releasing."""
    found = compare(row.old, row.new)

    assert tuple(sorted(one.kind for one in found.facts)) == row.kinds
    assert found.verdict is strictest((RULES[kind].verdict for kind in row.kinds), least=Verdict.PATCH)
    assert all(one.subject and one.rule for one in found.facts)
    moved = [one for one in found.facts if one.kind in STATE_KINDS and not one.kind.startswith("state-way")]
    assert found.state_layout_changed == bool(moved)


def test_every_rule_is_met_by_some_row() -> None:
    """A rule that nothing leads to is either dead or untested."""
    assert {kind for row in ROWS for kind in row.kinds} | BY_THEMSELVES == set(RULES)


def test_names_of_rows_tell_them_apart() -> None:
    """A failure is read by its name."""
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_changed_is_no_fact_but_what_cannot_be_seen(row: Row) -> None:
    """Whatever a version offers, it offers all of that itself."""
    for side in (row.old, row.new):
        assert {one.kind for one in compare(side, side).facts} <= {"unseen", "type-unseen", "prototype-unseen"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_was_added_one_way_is_removed_the_other(row: Row) -> None:
    """A change must not be a fact in one direction only, or a rollback would be judged by another law."""
    there, back = compare(row.old, row.new), compare(row.new, row.old)

    assert bool(there.facts) == bool(back.facts)
    assert there.state_layout_changed == back.state_layout_changed
    added = {
        one.subject for one in there.facts if one.kind in ("function-appended", "function-added", "variable-added")
    }
    assert added <= {one.subject for one in back.facts if one.kind in ("function-removed", "variable-removed")}


def _both(one: Row, other: Row) -> tuple[Row, Row]:
    """Return the two rows on one plugin: the other's interface takes another name, and its types too."""
    sides = []
    for mine, its in ((one.old, other.old), (one.new, other.new)):
        apart = tuple(replace(face, name="other") for face in its.interfaces)
        sides.append(replace(mine, interfaces=(*mine.interfaces, *apart), unseen=(*mine.unseen, *its.unseen)))
    return one, replace(one, old=sides[0], new=sides[1])


@given(st.sampled_from(ROWS), st.sampled_from(OFFERS + BUFFERS))
def test_a_fact_is_never_lost_by_another_change_beside_it(one: Row, other: Row) -> None:
    """Nobody hides a break behind many harmless changes."""
    alone, beside = _both(one, other)

    found = {fact.kind for fact in compare(beside.old, beside.new).facts}
    assert set(alone.kinds) <= found
    if any(RULES[kind].verdict is Verdict.MAJOR for kind in alone.kinds):
        assert compare(beside.old, beside.new).verdict is Verdict.MAJOR


def test_equal_facts_are_a_patch_and_only_equal_bytes_are_identical() -> None:
    """The code may differ where no fact does."""
    assert compare(BOTH, BOTH).verdict is Verdict.PATCH
    assert compare(BOTH, BOTH, is_same_bytes=True).verdict is Verdict.IDENTICAL


def test_unseen_is_identical_where_the_bytes_are() -> None:
    """Not to see it is no doubt where it is the same."""
    one = replace(BOTH, unseen=("inline functions reach into callers",))

    assert compare(one, one, is_same_bytes=True).verdict is Verdict.IDENTICAL
    assert compare(one, one).verdict is Verdict.UNKNOWN


def test_unknown_gives_way_to_major_only() -> None:
    """What may break is no excuse for what does."""
    order = [Verdict.IDENTICAL, Verdict.PATCH, Verdict.MINOR, Verdict.UNKNOWN, Verdict.MAJOR]
    assert sorted(Verdict, key=lambda one: one.rank) == order
    assert strictest(order) is Verdict.MAJOR
    assert strictest(()) is Verdict.IDENTICAL


def test_all_facts_are_told_the_strictest_first() -> None:
    """An author mends them in one build."""
    found = compare(offering(STEP, FLUSH), offering(replace(FLUSH, offset=8), function("new", offset=24)))

    verdicts = [one.verdict.rank for one in found.facts]
    assert verdicts == sorted(verdicts, reverse=True)
    assert [one.kind for one in found.facts] == ["function-removed", "function-moved", "function-appended"]


def test_a_fact_names_all_that_are_bound_to_its_interface() -> None:
    """Who has to be replaced along with it."""
    bound = [Consumer(plugin=one, interface="gain/1", accepts=Until(9)) for one in ("mixer", "meter")]
    other = Consumer(plugin="logger", interface="log/1", accepts=Until(9))
    log = interface(name="log")
    old = replace(BOTH, interfaces=(*BOTH.interfaces, log))
    new = replace(offering(STEP), interfaces=(interface(STEP), log))

    (removed, *_) = compare(old, new, [*bound, other]).facts
    assert (removed.kind, removed.consumers) == ("function-removed", ("mixer", "meter"))
    assert compare(old, new).facts[0].consumers == ()


def test_a_type_s_fact_names_all_functions_that_lead_there() -> None:
    """One struct may be passed by many, of several interfaces, and directly or within another."""
    holder = record("it: thing* @0", size=8, align=8)
    functions = (function("one", parameter("p", "thing*")), function("two", parameter("p", "holder*"), offset=16))
    exported = {"three": function("three", result="thing*")}
    old = offering(*functions, types={"thing": PAIR, "holder": holder}, functions=exported)
    new = replace(old, types={"thing": replace(PAIR, align=8), "holder": holder})

    (found,) = compare(old, new).facts
    assert set(found.roots) == {Root("gain/1", "one"), Root("gain/1", "two"), Root("", "three")}
    assert found.interfaces == ("gain/1",)


def test_a_type_that_everything_leads_to_names_some_functions_and_every_interface() -> None:
    """A list of thousands is not read, and work on all of them would be a way to stall a host."""
    many = tuple(function(f"f{place}", parameter("p", "s0*"), offset=8 + 8 * place) for place in range(200))
    chain = {f"s{n}": record("a: i32 @0", f"p: s{n + 1}* @8", size=16, align=8) for n in range(50)}
    faces = (interface(*many), interface(function("last", parameter("p", "s0*")), name="meter"))
    old = offering(types={**chain, "s50": PAIR}, interfaces=faces)

    (found,) = compare(old, replace(old, types={**chain, "s50": replace(PAIR, align=8)})).facts
    assert len(found.roots) == ROOTS_LIMIT + 1
    assert found.interfaces == ("gain/1", "meter/1")


def test_a_struct_that_is_also_embedded_may_not_grow() -> None:
    """One harmless use does not make the other one harmless."""
    holder = record("inner: thing @0", size=8)
    functions = (function("one", parameter("p", "thing*")), function("two", parameter("p", "holder*"), offset=16))
    old = offering(*functions, types={"thing": SIZED, "holder": holder})
    new = replace(old, types={"thing": GROWN, "holder": replace(holder, bytes=12)})

    assert {one.kind for one in compare(old, new).facts} == {"member-added", "size-changed"}


def test_an_enum_that_is_taken_here_and_answered_there_is_judged_as_answered() -> None:
    """The strictest of all ways to it counts."""
    functions = (function("set", parameter("mode", "thing")), function("get", result="thing", offset=16))
    old = offering(*functions, types={"thing": enum(("A", 0))})
    new = replace(old, types={"thing": enum(("A", 0), ("B", 1))})

    assert [one.kind for one in compare(old, new).facts] == ["enum-value-added-to-output"]


def test_a_consumer_whose_range_is_left_is_a_fact_of_its_own() -> None:
    """Nothing of the interface broke, and still this consumer does not accept it."""
    new = replace(BOTH, interfaces=(interface(STEP, FLUSH, version=(1, 3)),))
    consumers = [
        Consumer(plugin="mixer", interface="gain/1", accepts=Until(3)),
        Consumer(plugin="meter", interface="gain/1", accepts=Until(4)),
    ]

    unmet, _ = compare(BOTH, new, consumers).facts
    assert (unmet.kind, unmet.consumers) == ("range-unmet", ("mixer",))
    assert str(unmet) == "mixer needs gain/1: range unmet: <1.3 → gain 1.3"
    gone = compare(BOTH, replace(BOTH, interfaces=()), consumers).of(Verdict.MAJOR)
    assert [one.after for one in gone if one.kind == "range-unmet"] == ["not offered", "not offered"]


def test_a_feature_goes_where_those_who_call_are_known_and_none_uses_it() -> None:
    """And names who does where one does."""
    old = replace(BOTH, features=("stereo",))
    mono = Consumer(plugin="mono", interface="gain/1", accepts=Until(9))
    wide = replace(mono, plugin="wide", uses=frozenset({"stereo"}))

    assert [one.kind for one in compare(old, BOTH, [mono]).facts] == ["feature-dropped-unused"]
    (found,) = compare(old, BOTH, [mono, wide]).facts
    assert (found.kind, found.consumers) == ("feature-dropped", ("wide",))


def test_a_removed_state_field_is_called_lossy() -> None:
    """Whoever consents has to know to what."""
    assert RULES["state-field-removed"].why.startswith("lossy")
    assert RULES["state-dropped"].why.startswith("lossy")


def test_types_that_lead_to_one_another_come_to_an_end() -> None:
    """A list, a tree and a pair of structs that hold each other are ordinary C."""
    one, other = record("it: other* @0", size=8, align=8), record("it: thing* @0", "n: i32 @8", size=16, align=8)
    old, new = typed("in", one, one, other=other)
    new = replace(new, types={**new.types, "other": record("it: thing* @0", "n: f32 @8", size=16, align=8)})

    assert [one.kind for one in compare(old, new).facts] == ["member-retyped"]


def test_a_fact_is_whole_as_json() -> None:
    """Scripts decide by it."""
    (removed,) = compare(BOTH, offering(STEP)).facts

    assert removed.as_dict() == {
        "kind": "function-removed",
        "verdict": "major",
        "subject": "gain/1.flush",
        "before": "() -> status",
        "after": None,
        "rule": "callers call it",
        "through": ["gain/1.flush"],
        "consumers": [],
    }


BLIND_TO: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "being embedded": ({"is_laid": False}, "struct with its size grew, within another"),
    "being answered": ({"flow": IN}, "enum value added, answered"),
}


@pytest.mark.control
@pytest.mark.parametrize("what", BLIND_TO)
def test_blind_to_how_a_type_is_met_a_break_is_let_in(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the ways that lead to a type, the same change of it would be called harmless."""
    forgotten, name = BLIND_TO[what]
    row = next(one for one in ROWS if one.name == name)
    grow = Reach.grow

    def forgetful(reach: Reach, use: Use) -> bool:
        return grow(reach, use._replace(**forgotten))

    monkeypatch.setattr(Reach, "grow", forgetful)
    assert compare(row.old, row.new).verdict is Verdict.MINOR


def test_a_long_text_is_told_by_what_is_around_the_difference() -> None:
    """An inline function of a page would hide the one number that is another; JSON has all of it."""
    before, after = "x" * 300 + "1" + "y" * 300, "x" * 300 + "2" + "y" * 300
    old, new = (replace(BOTH, constants={"inline f": text}) for text in (before, after))

    (found,) = compare(old, new).facts
    assert "xx1yy" in found.change
    assert "xx2yy" in found.change
    assert len(found.change) < 400
    assert (found.before, found.after) == (before, after)


TYPE_NAMES: Final = ("s0", "s1", "s2", "unknown_to_all")
TYPES: Final = st.recursive(
    st.sampled_from(["i32", "f64", "void*", *TYPE_NAMES[1:]]),
    lambda inner: st.one_of(inner.map(lambda one: f"{one}*"), inner.map(lambda one: f"(fn({one}) -> void)*")),
    max_leaves=3,
)


@st.composite
def surfaces(draw: st.DrawFn) -> Surface:
    """Return any plugin whose functions take pointers to structs that lead to one another in any way."""
    types = {
        name: record(
            "first: i32 @0", *[f"m{n}: {draw(TYPES)} @{8 * n + 8}" for n in range(draw(st.integers(0, 3)))], size=64
        )
        for name in TYPE_NAMES[:3]
    }
    functions = [function("f0", parameter("it", "s0*"))]
    functions += [
        function(f"f{n}", parameter("it", draw(TYPES)), result=draw(TYPES), offset=8 + 8 * n)
        for n in range(1, draw(st.integers(1, 3)))
    ]
    return offering(*functions, types=types)


@given(surfaces())
def test_what_is_read_twice_from_one_image_has_no_facts(one: Surface) -> None:
    """Two readings share no object, and types may lead to themselves."""
    found = compare(one, copy.deepcopy(one))

    assert (found.facts, found.verdict, found.state_layout_changed) == ((), Verdict.PATCH, False)
    assert (found.claims, found.release_claims) == ((), ())


@given(surfaces())
def test_a_member_that_is_retyped_where_callers_look_is_always_major(one: Surface) -> None:
    """Whatever else the struct leads to, and whoever else leads to it."""
    was = one.types["s0"]
    assert isinstance(was, Record)
    members = (replace(was.members[0], type=Scalar("f32")), *was.members[1:])
    found = compare(one, replace(one, types={**one.types, "s0": replace(was, members=members)}))

    assert [fact.kind for fact in found.facts] == ["member-retyped"]
    assert Root("gain/1", "f0") in found.facts[0].roots
    assert [claim.least for claim in (*found.claims, *found.release_claims)] == ["2.0", "2.0.0"]
