"""A copy plan: how the values of one layout become those of another, as data that can be checked before it runs.

A plan is a list of operations for one state; a block of many is the same list for each. Offsets and sizes are bytes.
Operations that write stand in the order of what they write and leave nothing out: together they write each byte of the
new state exactly once, padding included. So a plan that was tampered with, or compiled wrong, is found by adding up.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from hotgraft.core.c_types import SCALAR_BYTES
from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "NUMBERS", "Case", "Choose", "Convert", "Copy", "CopyPlan", "EncodedPlan", "Expect", "Fill", "Forbid", "Loop", "Op",
    "Pointed", "Terminated", "encode_plan", "faults_of", "written_bytes",
]  # fmt: skip

# Scalars by the number that the native side knows them by (layout.hpp).
NUMBERS: Final = {
    "i8": 0, "u8": 1, "i16": 2, "u16": 3, "i32": 4, "u32": 5, "i64": 6, "u64": 7, "bool": 8, "f32": 9, "f64": 10,
}  # fmt: skip
OPS_LIMIT: Final = 1 << 17
NESTING_LIMIT: Final = 32  # loops inside loops
BYTES_LIMIT: Final = 1 << 47
POINTER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy bytes as they are."""

    src: int
    dst: int
    size: int


@dataclass(frozen=True, slots=True)
class Convert:
    """Turn each of `count` numbers that lie side by side into another type; one that does not fit is refused."""

    src: int
    dst: int
    count: int
    source: str  # a scalar's name
    target: str
    path: str  # of the field, for the refusal; "[]" where an index comes, "[4]" where it begins at 4


@dataclass(frozen=True, slots=True)
class Fill:
    """Write bytes that are the same for every state: `data`, or zeros."""

    dst: int
    size: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Expect:
    """Refuse numbers that are not `data` (zeros, where it is empty): they have no place in the new layout."""

    src: int
    count: int
    scalar: str
    path: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Terminated:
    """Refuse a text that does not end within `size` bytes: a shorter buffer would not hold its end."""

    src: int
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Forbid:
    """Refuse numbers that are among `values`: constants of an enum that the new layout does not know."""

    src: int
    count: int
    scalar: str
    path: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Do the same for each element of an array; offsets inside count from the element's begin.

    A stride of 0 says that the elements are only read, or only written.
    """

    src: int
    dst: int
    count: int
    src_stride: int
    dst_stride: int
    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Pointed:
    """Convert what a pointer leads to, into a block of its own: as many elements as the field beside it counts.

    The new block has room for as many elements as the old one, so that a capacity that is kept elsewhere stays true;
    those beyond the count are zeros. NULL stays NULL, and its count must be 0.
    """

    src: int  # of the pointer
    dst: int
    count_src: int
    scalar: str  # of the count
    path: str
    count_path: str
    src_stride: int  # of the elements
    dst_stride: int
    ops: tuple[Op, ...]  # for each; offsets inside count from its begin


@dataclass(frozen=True, slots=True)
class Case:
    """What is done where the tag has this value; offsets inside count from the union's begin."""

    value: int
    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Choose:
    """Convert the member of a union that its tag says is alive; refuse a tag that is none of the cases."""

    src: int
    dst: int
    src_size: int
    dst_size: int
    tag_src: int
    scalar: str  # of the tag
    path: str  # of the tag
    cases: tuple[Case, ...]


Op: TypeAlias = Copy | Convert | Fill | Expect | Terminated | Forbid | Loop | Pointed | Choose


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlan:
    """The way from one layout to another, and what it does not carry; fields by their path: `bands[].gain`."""

    old_bytes: int  # of one state
    new_bytes: int
    ops: tuple[Op, ...]
    lost: tuple[str, ...] = ()  # fields of the old layout that the new one has no place for, and nobody gave up
    given_up: tuple[str, ...] = ()  # such as were given up on purpose
    fresh: tuple[str, ...] = ()  # fields of the new layout that begin with their default
    rounded: tuple[str, ...] = ()  # f64 → f32: a value in range goes to the nearest one
    texts: tuple[str, ...] = ()  # i8 arrays that get shorter, read as text: what stands behind its end may go
    renamed_back: Mapping[str, str] = field(default_factory=dict)  # `renamed_from` of the way back


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPlan:
    """A plan as `_core.CopyProgram` takes it.

    A row is (kind, path, src, dst, count, src_stride, dst_stride, source, target, data, data_bytes): the path and the
    data by where they stand in `paths` and `pool`. Where an operation has others inside, its `data` is how many of the
    following rows they are; `data_bytes` is then a path (POINTED: of the count) or a value (CASE: of the tag).
    """

    old_bytes: int
    new_bytes: int
    rows: tuple[tuple[int, ...], ...]
    pool: bytes
    paths: tuple[str, ...]


class Kind(IntEnum):
    """Operations by the number that the native side knows them by (layout.hpp)."""

    COPY = 0
    CONVERT = 1
    FILL = 2
    EXPECT = 3
    TERMINATED = 4
    FORBID = 5
    LOOP = 6
    POINTED = 7
    CHOOSE = 8
    CASE = 9


def written_bytes(op: Op) -> int:
    """Return how many bytes an operation writes."""
    if isinstance(op, Copy | Fill):
        return op.size
    if isinstance(op, Convert):
        return op.count * SCALAR_BYTES[op.target]
    if isinstance(op, Pointed):
        return POINTER_BYTES
    if isinstance(op, Choose):
        return op.dst_size
    return op.count * op.dst_stride if isinstance(op, Loop) else 0


def faults_of(plan: CopyPlan) -> tuple[str, ...]:
    """Return what is wrong with a plan; nothing: it reads inside the old state and writes all of the new one, once."""
    if not (0 < plan.old_bytes <= BYTES_LIMIT and 0 < plan.new_bytes <= BYTES_LIMIT):
        return (f"states of {plan.old_bytes} and {plan.new_bytes} bytes",)
    if sum(1 for _ in _all_ops(plan.ops)) > OPS_LIMIT:
        return (f"more than {OPS_LIMIT} operations",)
    return tuple(_faults(plan.ops, plan.old_bytes, plan.new_bytes, 0))


def _all_ops(ops: Sequence[Op]) -> Iterator[Op]:
    for op in ops:
        yield op
        yield from (inner for ops, _, _ in _bodies(op) for inner in _all_ops(ops))


def _bodies(op: Op) -> Iterator[tuple[tuple[Op, ...], int, int]]:
    """Yield the operations inside of one, and how many bytes they may read and must write."""
    if isinstance(op, Loop | Pointed):
        yield op.ops, op.src_stride, op.dst_stride
    elif isinstance(op, Choose):
        yield from ((case.ops, op.src_size, op.dst_size) for case in op.cases)


def _faults(ops: Sequence[Op], readable: int, writable: int, depth: int) -> Iterator[str]:
    """Yield what is wrong with operations that may read so many bytes, and must write so many."""
    if depth > NESTING_LIMIT:
        yield f"loops inside loops go deeper than {NESTING_LIMIT}"
        return
    written = 0
    for op in ops:
        if reason := _fault_itself(op):
            yield f"{op}: {reason}"
            continue
        if any(size and not 0 <= src <= readable - size for src, size in _reads(op)):
            yield f"{op}: reads beyond the {readable} bytes there are"
        if isinstance(op, Copy | Convert | Fill | Pointed | Choose) or (isinstance(op, Loop) and op.dst_stride):
            if op.dst != written:
                yield f"{op}: writes at {op.dst}, and what is before it ends at {written}"
            written += written_bytes(op)
        for inner, may_read, must_write in _bodies(op):
            yield from _faults(inner, may_read, must_write, depth + 1)
    if written != writable:
        yield f"{written} bytes are written, of {writable}"


def _fault_itself(op: Op) -> str:
    if isinstance(op, Copy | Fill | Terminated):
        if op.size <= 0:
            return "no bytes"
        is_wrong = isinstance(op, Fill) and len(op.data) not in (0, op.size)
        return "its data has another size" if is_wrong else ""
    if isinstance(op, Pointed | Choose):
        return _fault_of_parts(op)
    if op.count <= 0:
        return "no elements"
    if isinstance(op, Loop):
        return "a negative stride" if op.src_stride < 0 or op.dst_stride < 0 else ""
    if isinstance(op, Convert):
        return "no such conversion" if not {op.source, op.target} <= NUMBERS.keys() else ""
    if isinstance(op, Expect):
        return "its data has another size" if len(op.data) not in (0, op.count * SCALAR_BYTES[op.scalar]) else ""
    return "no integers" if op.scalar not in NUMBERS or op.scalar[0] not in "iu" or not op.values else ""


def _fault_of_parts(op: Pointed | Choose) -> str:
    if op.scalar not in NUMBERS or op.scalar[0] not in "iu":
        return "no integers"
    if isinstance(op, Pointed):
        return "no elements" if op.src_stride <= 0 or op.dst_stride <= 0 else ""
    if op.src_size <= 0 or op.dst_size <= 0 or not op.cases:
        return "no cases"
    return "a case stands twice" if len({case.value for case in op.cases}) != len(op.cases) else ""


def _reads(op: Op) -> Iterator[tuple[int, int]]:
    """Yield where an operation itself reads, and how many bytes."""
    if isinstance(op, Copy | Terminated):
        yield op.src, op.size
    elif isinstance(op, Convert):
        yield op.src, op.count * SCALAR_BYTES[op.source]
    elif isinstance(op, Expect | Forbid):
        yield op.src, op.count * SCALAR_BYTES[op.scalar]
    elif isinstance(op, Loop):
        yield op.src, op.count * op.src_stride
    elif isinstance(op, Pointed):
        yield from ((op.src, POINTER_BYTES), (op.count_src, SCALAR_BYTES[op.scalar]))
    elif isinstance(op, Choose):
        yield from ((op.src, op.src_size), (op.tag_src, SCALAR_BYTES[op.scalar]))


def encode_plan(plan: CopyPlan) -> EncodedPlan:
    """Return a plan as the native side takes it. It must be without faults."""
    encoder = _Encoder()
    encoder.add(plan.ops)
    return EncodedPlan(
        old_bytes=plan.old_bytes,
        new_bytes=plan.new_bytes,
        rows=tuple(encoder.rows),
        pool=bytes(encoder.pool),
        paths=tuple(encoder.paths),
    )


class _Encoder:
    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.pool = bytearray()
        self.paths: dict[str, int] = {}

    def add(self, ops: Sequence[Op]) -> None:
        for op in ops:
            if isinstance(op, Loop):
                head = (Kind.LOOP, 0, op.src, op.dst, op.count, op.src_stride, op.dst_stride, 0, 0)
                self._add_around(head, op.ops, 0)
            elif isinstance(op, Pointed):
                count, strides = self._path(op.count_path), (op.src_stride, op.dst_stride)
                kinds = (NUMBERS[op.scalar], 0)
                head = (Kind.POINTED, self._path(op.path), op.src, op.dst, op.count_src, *strides, *kinds)
                self._add_around(head, op.ops, count)
            elif isinstance(op, Choose):
                head = (Kind.CHOOSE, self._path(op.path), op.tag_src, op.dst, op.dst_size, 0, 0, NUMBERS[op.scalar], 0)
                self._add_around(head, op, 0)
            else:
                self.rows.append(self._row(op))

    def _add_around(self, head: tuple[int, ...], inner: Sequence[Op] | Choose, last: int) -> None:
        """Add a row that says how many of the rows behind it are its own."""
        at = len(self.rows)
        self.rows.append(())
        if isinstance(inner, Choose):
            for case in inner.cases:
                head_of_case = (Kind.CASE, 0, inner.src, 0, 1, inner.src_size, inner.dst_size, 0, 0)
                self._add_around(head_of_case, case.ops, case.value % (1 << 64))
        else:
            self.add(inner)
        self.rows[at] = (*map(int, head), len(self.rows) - at - 1, last)

    def _path(self, path: str) -> int:
        return self.paths.setdefault(path, len(self.paths))

    def _row(self, op: Op) -> tuple[int, ...]:
        match op:
            case Copy():
                return self._laid_out(Kind.COPY, "", op.src, op.dst, op.size)
            case Convert():
                kinds = (NUMBERS[op.source], NUMBERS[op.target])
                return self._laid_out(Kind.CONVERT, op.path, op.src, op.dst, op.count, kinds)
            case Fill():
                return self._laid_out(Kind.FILL, "", 0, op.dst, op.size, data=op.data)
            case Expect():
                size = SCALAR_BYTES[op.scalar]
                kinds = (NUMBERS.get(op.scalar, len(NUMBERS)), size)
                return self._laid_out(Kind.EXPECT, op.path, op.src, 0, op.count, kinds, op.data)
            case Terminated():
                return self._laid_out(Kind.TERMINATED, op.path, op.src, 0, op.size)
            case Forbid():
                size = SCALAR_BYTES[op.scalar]
                values = b"".join((value % (1 << 8 * size)).to_bytes(size, "little") for value in op.values)
                return self._laid_out(Kind.FORBID, op.path, op.src, 0, op.count, (NUMBERS[op.scalar], 0), values)
            case Loop() | Pointed() | Choose():
                raise AssertionError("what has others inside has rows of its own")

    def _laid_out(
        self, kind: Kind, path: str, src: int, dst: int, count: int, kinds: tuple[int, int] = (0, 0), data: bytes = b""
    ) -> tuple[int, ...]:
        at = len(self.pool)
        self.pool += data
        return (int(kind), self._path(path), src, dst, count, 0, 0, *kinds, at, len(data))
