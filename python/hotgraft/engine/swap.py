"""Carry out the gated window of a swap, and read what it did from the record the core returns."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core import errors
from hotgraft.core.dataclass import dataclass
from hotgraft.engine.timing import StepTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.engine.converting import Converting

__all__ = ["Part", "Window", "carry_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One plugin's part in a window.

    Args:
        plugin: its name.
        member: its part in the native window.
        names: what the member's steps are about, in its order: its instances, then sessions.
        converting: who runs converters for it; its end is the window's.
        resumes: what the core calls start is, for a generation that served before, resume.
    """

    plugin: str
    member: _core.Member
    names: Sequence[str]
    converting: Converting | None = None
    resumes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the window did: its steps, the pause callers saw split by step, and why it was called off.

    `failed`: in which part; None: in none, or it was not a step of one plugin. `inside`: in which parts calls were when
    the drain failed.
    """

    is_published: bool
    steps: tuple[StepTime, ...]
    pause_us: float
    pause_steps: tuple[StepTime, ...]
    failure: errors.HotgraftError | None
    after_undo: tuple[str, ...]
    left_inside: str
    failed: int | None = None
    inside: tuple[int, ...] = ()
    of_parts: tuple[PartTimes, ...] = ()

    def of(self, part: int) -> Window:
        """Return what it did of one part, with what it did once for all."""
        own = self.of_parts[part]
        return replace(self, steps=own.steps, pause_steps=own.pause_steps)


@dataclass(frozen=True, slots=True)
class PartTimes:
    """The steps of one part, named as where it is the only one, and those of all."""

    steps: tuple[StepTime, ...]
    pause_steps: tuple[StepTime, ...]


def carry_out(parts: Sequence[Part], *, tried: str, deadline_s: float) -> Window:
    """Run the window of all parts as one swap.

    Args:
        parts: consumers first.
        tried: for the error of a window that was called off: "swap to generation 3".
        deadline_s: for all of it.

    Return what it did, published or called off. Never raises for a failed step.
    """
    undo_budget_s = 1.0 + sum(len(one.names) for one in parts) * UNDO_EACH_S
    try:
        record = _core.run_swap([one.member for one in parts], deadline_s=deadline_s, undo_budget_s=undo_budget_s)
    finally:
        for one in parts:
            if one.converting is not None:
                one.converting.end()
    steps, pause = _times(record, parts)
    failed = next((step for step in record.steps if step[5]), None)
    return Window(
        is_published=record.is_published,
        steps=steps,
        pause_us=(record.gates_open_ns - record.gates_closed_ns) / 1_000 if record.gates_closed_ns else 0.0,
        pause_steps=pause,
        failure=_failure_of(record, parts, tried),
        after_undo=tuple(record.after_undo),
        left_inside=record.left_inside,
        failed=failed[1] if failed is not None and failed[0] not in WHOLE else None,
        inside=tuple(record.inside),
        of_parts=tuple(PartTimes(*_times(record, parts, index)) for index in range(len(parts)))
        if len(parts) > 1
        else (),
    )


def _times(
    record: _core.SwapRecord, parts: Sequence[Part], only: int | None = None
) -> tuple[tuple[StepTime, ...], tuple[StepTime, ...]]:
    """Return the steps, and those for which callers waited; `only`: of one part and of all."""
    steps, pause = [], []
    for kind, member, index, begin_ns, end_ns, failure in record.steps:
        if only is not None and kind not in WHOLE and member != only:
            continue
        title = _title(kind, parts, member, index, is_alone=only is not None)
        time = StepTime(title, (end_ns - begin_ns) / 1_000, failure, begin_ns)
        steps.append(time)
        if record.gates_closed_ns and record.gates_closed_ns <= begin_ns <= record.gates_open_ns:
            pause.append(time)
    return _joined(steps), _joined(pause)


SESSION: Final = " session "  # in the name of a step


def _joined(steps: Sequence[StepTime]) -> tuple[StepTime, ...]:
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


def _title(kind: str, parts: Sequence[Part], member: int, index: int, *, is_alone: bool = False) -> str:
    """Return what a step is called: with its plugin, where there are several."""
    if kind in WHOLE:
        return kind
    part = parts[member]
    whose = part.names[index] if is_alone or len(parts) == 1 else f"{part.plugin} {part.names[index]}"
    return f"{'resume' if part.resumes and kind == 'start' else kind} {whose}"


def _failure_of(record: _core.SwapRecord, parts: Sequence[Part], tried: str) -> errors.HotgraftError | None:
    """Return the error that the record's failure stands for.

    Raising it is the host's, who knows what runs.
    """
    if record.failure is None:
        return None
    name, sentence = record.failure
    kind = getattr(errors, name, errors.HotgraftError)
    found = [line for line in sentence.splitlines() if line]
    step = next((step for step in record.steps if step[5]), None)
    if step is not None:
        title = _title(step[0], parts, step[1], step[2])
        # Whose it is stands in the sentence, but for sessions.
        found = [f"{title if SESSION in title else step[0]}: {one}" for one in found]
    of_plugin = [parts[step[1]].plugin] if step is not None and step[0] not in WHOLE else [one.plugin for one in parts]
    error: errors.HotgraftError = kind(tried, on=", ".join(of_plugin), found=found)
    for part in parts:
        if part.converting is not None:
            part.converting.explain(error)
    if record.after_undo:
        error.advice = "not put back: " + "; ".join(record.after_undo)
    return error
