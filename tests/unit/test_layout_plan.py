"""layout_plan.py and the native side of it: a plan that was tampered with is found, by both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hotgraft import _core
from hotgraft.core.layout_plan import (
    Convert,
    Copy,
    CopyPlan,
    Expect,
    Fill,
    Forbid,
    Loop,
    Op,
    Terminated,
    encode_plan,
    faults_of,
)
from layout_pairs import Maker
from layout_scene import plan_of, program_of

SOUND: tuple[Op, ...] = (
    Expect(60, 1, "i32", "tail"),
    Terminated(56, 4, "text"),
    Copy(0, 0, 8),
    Loop(8, 8, 3, 8, 12, (Forbid(0, 2, "u16", "mode[]", (1, 2)), Copy(0, 0, 8), Fill(8, 4, b"abcd"))),
    Convert(32, 44, 2, "i16", "i32", "n[]"),
    Fill(52, 4),
)
PLAN = CopyPlan(old_bytes=64, new_bytes=56, ops=SOUND)


def broken(at: int, **changes: Any) -> CopyPlan:
    """Return the sound plan with one operation changed."""
    return replace(PLAN, ops=(*SOUND[:at], replace(SOUND[at], **changes), *SOUND[at + 1 :]))


def inside(at: int, **changes: Any) -> CopyPlan:
    """Return the sound plan with one operation of its loop changed."""
    loop = SOUND[3]
    assert isinstance(loop, Loop)
    ops = (*loop.ops[:at], replace(loop.ops[at], **changes), *loop.ops[at + 1 :])
    return broken(3, ops=ops)


BROKEN = {
    "smaller old state": replace(PLAN, old_bytes=63),
    "no old state": replace(PLAN, old_bytes=0),
    "larger new state": replace(PLAN, new_bytes=57),
    "smaller new state": replace(PLAN, new_bytes=55),
    "new state without end": replace(PLAN, new_bytes=1 << 63),
    "nothing": replace(PLAN, ops=()),
    "one less": replace(PLAN, ops=SOUND[:-1]),
    "twice": replace(PLAN, ops=(*SOUND, SOUND[-1])),
    "out of order": replace(PLAN, ops=(*SOUND[:2], *reversed(SOUND[2:]))),
    "read behind the end": broken(2, src=57),
    "write elsewhere": broken(2, dst=1),
    "a byte too many": broken(2, size=9),
    "a byte too few": broken(2, size=7),
    "no bytes": broken(2, size=0),
    "check behind the end": broken(0, src=61),
    "text behind the end": broken(1, size=9),
    "a round too many": broken(3, count=4),
    "a round too few": broken(3, count=2),
    "rounds without end": broken(3, count=1 << 62),
    "shorter steps read": broken(3, src_stride=7),
    "longer steps read": broken(3, src_stride=1 << 40),
    "shorter steps written": broken(3, dst_stride=11),
    "steps on the spot": broken(3, dst_stride=0),
    "no body": broken(3, ops=()),
    "loop elsewhere": broken(3, dst=9),
    "read behind the element": inside(1, src=1),
    "data of another size": inside(2, data=b"abc"),
    "fewer bytes than the element": inside(2, size=3, data=b""),
    "forbidden behind the element": inside(0, count=5),
    "nothing forbidden": inside(0, values=()),
    "numbers too many": broken(4, count=3),
    "numbers of another size": broken(4, target="i64"),
}


def test_a_sound_plan_has_no_faults_and_runs() -> None:
    """What the others are changed from must be right itself."""
    assert faults_of(PLAN) == ()
    assert program_of(PLAN).run(bytes(64), bytearray(56)) is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_changed_plan_is_found_here_and_by_the_native_side(name: str) -> None:
    """It would read or write where nothing of the state is; neither side believes the other."""
    assert faults_of(BROKEN[name]) != ()
    with pytest.raises(ValueError):
        program_of(BROKEN[name])


NEGATIVE = {
    "read before the begin": broken(2, src=-1),
    "a negative size": broken(2, size=-8),
    "a negative count": broken(3, count=-1),
    "a negative step": broken(3, src_stride=-8),
}


@pytest.mark.parametrize("name", NEGATIVE)
def test_a_negative_number_does_not_get_through(name: str) -> None:
    """On the native side there are none: it would be a very large one."""
    assert faults_of(NEGATIVE[name]) != ()
    with pytest.raises((TypeError, ValueError)):
        program_of(NEGATIVE[name])


def test_every_single_number_of_a_row_is_looked_at() -> None:
    """Each number of each row set to others: the native side turns it away, or what it makes stays inside its blocks.

    Where it does not, the process is likely to die here, and under the address sanitizer it does.
    """
    made = 0
    for seed in range(25):
        maker = Maker(seed)
        old = maker.struct()
        new, change, _ = maker.edit(old)
        plan, _ = plan_of(old, new, change)
        if plan is None:
            continue
        coded = encode_plan(plan)
        sizes = {"old_bytes": coded.old_bytes, "new_bytes": coded.new_bytes}
        for _ in range(150):
            rows = [list(row) for row in coded.rows]
            at, place = maker.random.randrange(len(rows)), maker.random.randrange(11)
            rows[at][place] = maker.random.choice(
                (0, 1, 2, 3, 5, 6, 7, 8, 16, 255, 256, 2**32, 2**47, 2**63, 2**64 - 1)
            )
            try:
                program = _core.CopyProgram.make([tuple(row) for row in rows], coded.pool, coded.paths, **sizes)
            except ValueError:
                continue
            made += 1
            program.run(bytes(coded.old_bytes * 3), bytearray(coded.new_bytes * 3), 3)
    assert made > 100


def test_blocks_that_do_not_fit_are_turned_away() -> None:
    """The host asks with the sizes it has; a wrong one must not be found out by writing."""
    program = program_of(PLAN)
    assert (program.old_bytes, program.new_bytes) == (64, 56)
    for old, new, count in ((63, 56, 1), (64, 57, 1), (128, 112, 1), (64, 56, 2), (64, 56, 1 << 60)):
        with pytest.raises(ValueError, match="do not lie in blocks"):
            program.run(bytes(old), bytearray(new), count)
    whole = bytearray(100)
    with pytest.raises(ValueError, match="overlap"):
        program.run(memoryview(whole)[:64], memoryview(whole)[44:], 1)
    with pytest.raises(BufferError):
        program.run(bytes(64), bytes(56), 1)
