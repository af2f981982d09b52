"""Convert by name against the reference that was written from its description alone (layout_reference.py)."""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import _core
from hotgraft.core.c_types import Named
from hotgraft.core.layout import are_alike
from hotgraft.core.layout_plan import Copy, CopyPlan, Fill, Loop, Op, faults_of
from hotgraft.core.state import choose_crossing
from layout_memory import has_blocks, image, laid_out, read, size_and_align
from layout_pairs import Maker
from layout_reference import Change, NeedsConverterError, convert, known_to_both, without_place
from layout_scene import block_of, edits_of, image_of, plan_of, program_of, walk_of

if TYPE_CHECKING:
    import random

    from conftest import Sized

STATES = 2  # of a pair
SHARES = {  # of the pairs, at least
    "up": {"converted": 0.7, "refused": 0.08, "needs a converter": 0.004},
    "down": {"converted": 0.7},
    "since": {"converted": 0.2, "refused": 0.15, "needs a converter": 0.004},
}
REPEATS = 40  # of these in a block: more than a tile of small ones holds


@dataclass
class Pair:
    """A layout, what became of it, and states of the old one."""

    old: Any
    new: Any
    change: Change
    names: dict[str, str]
    values: list[Any]
    written_since: list[Any]  # states of the new layout
    noise: random.Random


def make_pair(seed: int) -> Pair:
    """Return a pair of layouts, the same for the same seed; values that fit nowhere else are rare."""
    maker = Maker(seed, declares=seed % 3 == 0)
    old = maker.struct()
    new, change, names = maker.edit(old)
    values, written_since = (
        [as_stored(kind, maker.value(kind, extreme)) for _ in range(STATES)]
        for kind, extreme in ((old, maker.random.choice((0.0, 0.0, 0.02, 0.3))), (new, 0.02))
    )
    change.defaults = {key: as_stored(field_type(new, key), value) for key, value in change.defaults.items()}
    return Pair(old, new, change, names, values, written_since, maker.random)


def as_stored(kind: Any, value: Any) -> Any:
    """Return a value as its own bytes hold it: 0.1 is another number in an f32."""
    data, blocks = laid_out(kind, value)
    return read(kind, data, 0, blocks)


def field_type(kind: Any, key: tuple[str, str]) -> Any:
    """Return the type of a field by struct and name, wherever in a layout the struct is."""
    if isinstance(kind, str) or kind[0] in ("enum", "union"):
        return None
    if kind[0] in ("array", "counted"):
        return field_type(kind[1], key)
    if kind[0] == "struct" and kind[1] == key[0] and key[1] in dict(kind[2]):
        return dict(kind[2])[key[1]]
    return next((found for _, inner, *_ in kind[2] if (found := field_type(inner, key)) is not None), None)


def run(old: Any, new: Any, values: list[Any], plan: CopyPlan, noise: random.Random) -> tuple[list[Any], Any]:
    """Convert a block of many such states; return the first of each, and of what was refused field and state."""
    if has_blocks(old) or has_blocks(new):
        return run_image(old, new, values, plan, noise)
    count = len(values) * REPEATS
    block = block_of(old, values, noise) * REPEATS
    size = size_and_align(new)[0]
    made = bytearray(b"\xa5" * (size * count))
    before = bytes(block)
    refused = program_of(plan).run(block, made, count)
    assert block == before  # the old block is only read
    if refused is None:
        period = size * len(values)
        assert made == made[:period] * REPEATS  # the same from the first state to the last, padding included
    return [read(new, made, index * size) for index in range(len(values))], refused and (refused[4], refused[2])


def run_image(old: Any, new: Any, values: list[Any], plan: CopyPlan, noise: random.Random) -> tuple[list[Any], Any]:
    """Convert states and the blocks that they lead to, which cannot be the same for two."""
    made, refused = _core.convert_image(program_of(plan), walk_of(old), walk_of(new), image_of(old, values, noise))
    if refused:
        return [], named_in(refused)
    size = size_and_align(new)[0]
    assert len(made[0]) == size * len(values)
    return [read(new, made[0], index * size, made[1:]) for index in range(len(values))], None


def named_in(refused: str) -> tuple[str, int]:
    """Return which field of which state a refusal is about."""
    found = re.fullmatch(r"(\S+) holds .*?(?:, in state ([0-9]+) of 0 to [0-9]+)?", refused, re.DOTALL)
    assert found is not None, refused
    return found[1], int(found[2] or 0)


def check(old: Any, new: Any, values: list[Any], change: Change, noise: random.Random) -> tuple[str, list[Any]]:
    """Convert states with hotgraft and with the reference, and compare; return what came of it."""
    plan, reasons = plan_of(old, new, change)
    changes = [copy.copy(change) for _ in values]
    for one in changes:
        one.refused = []
    try:
        wanted = [convert(old, new, value, one) for value, one in zip(values, changes, strict=True)]
    except NeedsConverterError as where:
        assert plan is None
        assert any(str(where).replace("[0]", "[]") in reason for reason in reasons), (where, reasons)
        return "needs a converter", []
    assert plan is not None, reasons
    assert faults_of(plan) == ()
    assert ({*plan.lost}, {*plan.given_up}) == without_place(old, new, change)
    made, refused = run(old, new, values, plan, noise)
    if any(one.refused for one in changes):
        assert refused is not None, [one.refused for one in changes]
        # Of an array of arrays that has a default of its own, elements are not named: it is compared as one.
        field, at = refused
        assert any(one == field or one.startswith(f"{field}[") for one in changes[at % len(values)].refused), refused
        return "refused", []
    assert refused is None, refused
    assert [image(new, one) for one in made] == [image(new, one) for one in wanted]
    return "converted", made


def up_and_down(seed: int) -> tuple[str, str, str]:
    """Convert the states of one pair up and back down, then down some that were written since; return how each went."""
    pair = make_pair(seed)
    up, made = check(pair.old, pair.new, pair.values, pair.change, pair.noise)
    way_back = pair.change.back(pair.names)
    since, _ = check(pair.new, pair.old, pair.written_since, way_back, pair.noise)
    if up != "converted":
        return up, "-", since
    down, back = check(pair.new, pair.old, made, way_back, pair.noise)
    if down == "converted":
        wanted = [known_to_both(pair.old, pair.new, value, pair.change) for value in pair.values]
        assert [image(pair.old, one) for one in back] == [image(pair.old, one) for one in wanted]
    return up, down, since


def test_a_way_is_chosen_that_loses_nothing_unasked_and_the_way_back_is_read_out_of_it(sized: Sized) -> None:
    """Up asks for consent by field; down is the same plan as if somebody had written the edits backwards."""
    chosen: Counter[bool] = Counter()
    for seed in range(sized(quick=100, full=500, soak=5_000)):
        pair = make_pair(seed)
        before, after = edits_of(pair.old, pair.new, pair.change)
        plan, reasons = plan_of(pair.old, pair.new, pair.change)
        assert before.layout is not None and after.layout is not None
        are_equal = are_alike(before.layout, Named(pair.old[1]), after.layout, Named(pair.new[1]))

        up = choose_crossing(before, after).conversion

        loses = plan is None or plan.rounded or without_place(pair.old, pair.new, pair.change)[0]
        assert (up is None) == bool(loses or are_equal), (seed, reasons)
        assert up is None or up.plan == plan, seed
        down = choose_crossing(after, before, goes_back=True).conversion
        back, _ = plan_of(pair.new, pair.old, pair.change.back(pair.names))
        assert are_equal or (down and down.plan) == back, seed
        chosen[up is None] += 1
    assert min(chosen.values()) * 5 > chosen.total(), chosen


def test_up_then_down_returns_every_field_both_sides_know(sized: Sized) -> None:
    """State survives forwards on reload and backwards on rollback, or the swap is refused with the field's name."""
    pairs = sized(quick=500, full=2_000, soak=20_000)
    outcomes: Counter[tuple[str, str]] = Counter()
    for seed in range(pairs):
        try:
            came = up_and_down(seed)
        except AssertionError as error:
            raise AssertionError(f"pair {seed}: {error}") from error
        outcomes.update(zip(("up", "down", "since"), came, strict=True))
    for way, shares in SHARES.items():  # each way to end was seen, often enough
        for end, share in shares.items():
            assert outcomes[way, end] >= share * pairs, outcomes


def without_copies(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Return a plan that writes zeros where it would copy."""
    return tuple(
        Fill(op.dst, op.size) if isinstance(op, Copy)
        else replace(op, ops=without_copies(op.ops)) if isinstance(op, Loop)
        else op
        for op in ops
    )  # fmt: skip


@pytest.mark.control
def test_without_the_copy_of_the_old_block_the_property_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A property that holds of a conversion that carries nothing would show nothing."""
    whole = plan_of

    def plan_without_copies(*args: Any) -> Any:
        plan, reasons = whole(*args)
        return plan and replace(plan, ops=without_copies(plan.ops)), reasons

    monkeypatch.setitem(globals(), "plan_of", plan_without_copies)
    failed = 0
    for seed in range(100):
        try:
            up_and_down(seed)
        except AssertionError:
            failed += 1
    assert failed > 50
