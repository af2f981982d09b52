"""From the operations of single fields to those of a whole state: put in order, gaps filled, neighbours joined."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.layout_plan import Choose, Convert, Copy, Fill, Loop, Pointed, written_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotgraft.core.layout import Span
    from hotgraft.core.layout_plan import Op

__all__ = ["finish", "loop_over"]

_WRITING: Final = Copy | Convert | Fill | Loop | Pointed | Choose
JOINED_BYTES: Final = 64  # fills of values are joined up to this size: one kernel writes them at once


def finish(ops: Iterable[Op], *, values: Sequence[Span], old_bytes: int, new_bytes: int) -> tuple[Op, ...]:
    """Return operations that write all of a state, checks first.

    Args:
        ops: of the fields, in any order; no two write the same byte.
        values: the bytes of the old state that hold values, in order. All others are padding, which a copy may take
            along where there is padding in the new state as well: one long copy costs less than two short ones.
        old_bytes: size of the old state, at most.
        new_bytes: size of the new one: it is padded with zeros up to there.
    """
    listed = list(ops)
    runs = _Runs(values, old_bytes)
    writing = [one for one in listed if isinstance(one, _WRITING) and written_bytes(one)]
    for op in sorted(writing, key=lambda one: one.dst):
        runs.pad_to(op.dst)
        runs.add(op)
    runs.pad_to(new_bytes)
    return (*(one for one in listed if not written_bytes(one)), *runs.ops)


def loop_over(loop: Loop) -> Op:
    """Return a loop, or the one operation that does the same."""
    if loop.ops == (Copy(0, 0, loop.src_stride),) and loop.src_stride == loop.dst_stride:
        return Copy(loop.src, loop.dst, loop.count * loop.src_stride)
    if loop.ops == (Fill(0, loop.dst_stride),):
        return Fill(loop.dst, loop.count * loop.dst_stride)
    return loop


class _Runs:
    """What was written so far, from the state's begin without a gap."""

    def __init__(self, values: Sequence[Span], old_bytes: int) -> None:
        self.ops: list[Op] = []
        self._values = values
        self._old_bytes = old_bytes
        self._written = 0

    def pad_to(self, end: int) -> None:
        """Write padding up to `end`: the old state's own, where a copy can go on over it, else zeros."""
        wanted = end - self._written
        if wanted <= 0:
            return
        last = self.ops[-1] if self.ops else None
        if isinstance(last, Copy) and self._is_padding(last.src + last.size, wanted):
            self.ops[-1] = replace(last, size=last.size + wanted)
            self._written = end
        else:
            self.add(Fill(self._written, wanted))

    def add(self, op: Op) -> None:
        """Write what follows, as one with what is before it where that can be."""
        self._written += written_bytes(op)
        joined = _joined(self.ops[-1], op) if self.ops else None
        if joined is None:
            self.ops.append(op)
        else:
            self.ops[-1] = joined

    def _is_padding(self, begin: int, size: int) -> bool:
        if begin + size > self._old_bytes:
            return False
        next_value = bisect_right(self._values, begin, key=lambda one: one[1])  # the first that ends behind `begin`
        return next_value == len(self._values) or self._values[next_value][0] >= begin + size


def _joined(last: Op, op: Op) -> Op | None:
    if isinstance(last, Copy) and isinstance(op, Copy):
        return replace(last, size=last.size + op.size) if op.src == last.src + last.size else None
    if isinstance(last, Fill) and isinstance(op, Fill):
        size = last.size + op.size
        if not last.data and not op.data:
            return Fill(last.dst, size)
        return Fill(last.dst, size, _content(last) + _content(op)) if size <= JOINED_BYTES else None
    return None  # conversions stay apart: a joined one could not name its field


def _content(fill: Fill) -> bytes:
    return fill.data or bytes(fill.size)
