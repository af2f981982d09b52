"""Carry out the gated window of a swap, and read what it did from the record the core returns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core import errors
from hotgraft.engine.timing import StepTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.engine.converting import Converting

__all__ = ["Window", "carry_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the window did: its steps, the pause callers saw split by step, and why it was called off."""

    is_published: bool
    steps: tuple[StepTime, ...]
    pause_us: float
    pause_steps: tuple[StepTime, ...]
    failure: errors.HotgraftError | None
    after_undo: tuple[str, ...]
    left_inside: str


def carry_out(
    member: _core.Member,
    instances: Sequence[str],
    *,
    plugin: str,
    tried: str,
    deadline_s: float,
    resumes: bool = False,
    converting: Converting | None = None,
) -> Window:
    """Run the window of one plugin.

    Args:
        member: its part in the native window.
        instances: their names, in its order.
        plugin: for the error of a window that was called off, with `tried`.
        tried: "swap to generation 3".
        deadline_s: for all of it.
        converting: who runs converters for it; its end is this window's.
        resumes: what the core calls start is, for a generation that served before, resume.

    Return what it did, published or called off. Never raises for a failed step.
    """
    undo_budget_s = 1.0 + len(instances) * UNDO_EACH_S
    try:
        record = _core.run_swap([member], deadline_s=deadline_s, undo_budget_s=undo_budget_s)
    finally:
        if converting is not None:
            converting.end()
    steps = tuple(
        StepTime(
            _title("resume" if resumes and kind == "start" else kind, instances, index),
            (end_ns - begin_ns) / 1_000,
            failure,
            begin_ns,
        )
        for kind, _, index, begin_ns, end_ns, failure in record.steps
    )
    gated = record.gates_closed_ns != 0
    pause = tuple(
        time
        for time, (_, _, _, begin_ns, _, _) in zip(steps, record.steps, strict=True)
        if gated and record.gates_closed_ns <= begin_ns <= record.gates_open_ns
    )
    return Window(
        is_published=record.is_published,
        steps=_joined(steps),
        pause_us=(record.gates_open_ns - record.gates_closed_ns) / 1_000 if gated else 0.0,
        pause_steps=_joined(pause),
        failure=_failure_of(record, plugin, tried, instances, converting),
        after_undo=tuple(record.after_undo),
        left_inside=record.left_inside,
    )


SESSION: Final = " session "  # in the name of a step


def _joined(steps: tuple[StepTime, ...]) -> tuple[StepTime, ...]:
    """Return them with steps of one kind on sessions, one after another, as one; what failed stands alone."""
    joined: list[StepTime] = []
    for kind, group in itertools.groupby(steps, lambda one: one.step.partition(SESSION)[0] + one.failure):
        same = list(group)
        if len(same) == 1 or SESSION not in same[0].step:
            joined += same
        else:
            joined.append(StepTime(f"{kind} {len(same)} sessions", sum(one.us for one in same), "", same[0].began_ns))
    return tuple(joined)


UNDO_EACH_S: Final = 0.001  # for a plugin's functions on the way back, beside what all of them have
WHOLE = frozenset({"wait for pins", "move pins", "leave pins", "close gates", "drain", "publish", "reopen gates"})


def _title(kind: str, instances: Sequence[str], index: int) -> str:
    return kind if kind in WHOLE else f"{kind} {instances[index]}"


def _failure_of(
    record: _core.SwapRecord, plugin: str, tried: str, instances: Sequence[str], converting: Converting | None
) -> errors.HotgraftError | None:
    """Return the error that the record's failure stands for.

    Raising it is the host's, who knows what runs.
    """
    if record.failure is None:
        return None
    name, sentence = record.failure
    kind = getattr(errors, name, errors.HotgraftError)
    found = [line for line in sentence.splitlines() if line]
    failed = next((_title(step[0], instances, step[2]) for step in record.steps if step[5]), "")
    if SESSION not in failed:  # whose it is stands in the sentence
        failed = next((step[0] for step in record.steps if step[5]), "")
    if failed:
        found = [f"{failed}: {one}" for one in found]
    error: errors.HotgraftError = kind(tried, on=plugin, found=found)
    if converting is not None:
        converting.explain(error)
    if record.after_undo:
        error.advice = "not put back: " + "; ".join(record.after_undo)
    return error
