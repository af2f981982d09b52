"""What a descriptor says about the layout of its state, and the one before: whether that can be true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.converters import CONVERTERS_LIMIT, step_violation
from hotgraft.core.layout_compile import compile_walk
from hotgraft.core.manifest_checks import DROPPED_NAME, FIELD_NAME, IDENTIFIER
from hotgraft.core.state_values import default_bytes
from hotgraft.core.surface_descriptor import state_layout_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotgraft.core.descriptor import Descriptor

__all__ = ["state_edit_violations"]

EDITS_LIMIT: Final = 4096


def state_edit_violations(descriptor: Descriptor, *, told: Sequence[str] = ()) -> Iterator[str]:
    """Yield everything about the state's struct and its edits that cannot be true; `told`: what was said of types."""
    state = descriptor.state
    yield from _converter_violations(state.converters)
    edits = len(state.renamed_from) + len(state.defaults) + len(state.dropped)
    if not state.struct:
        if edits:
            yield "state has edits of a layout, and names no struct"
        return
    if state.struct not in descriptor.structs:
        yield f"state.struct is {state.struct[:64]!r}, which is not among the structs"
        return
    if edits > EDITS_LIMIT:
        yield f"state has {edits} edits of a layout; it ends at {EDITS_LIMIT}"
        return
    for key, name in state.renamed_from.items():
        if not FIELD_NAME.fullmatch(key) or not IDENTIFIER.fullmatch(name):
            yield f"state.renamed_from: {key[:64]!r} was {name[:64]!r}, and one of them is no name of a field"
    yield from (f"state.dropped: {one[:64]!r} is no name of a field" for one in state.dropped if not _is_dropped(one))
    layout = state_layout_of(descriptor)
    assert layout is not None  # it names a struct
    reasons = layout.reasons()
    yield from (f"the layout of its state: {one}" for one in reasons if not _is_told(one, told))
    if not reasons:
        yield from default_bytes(layout, state.defaults)[1]
        if state.kind == "concurrent" and compile_walk(layout) is not None:
            yield "state is concurrent and leads to other blocks, which two versions at once could not change or free"


def _is_told(reason: str, told: Sequence[str]) -> bool:
    """Was something said of the very field already? What the layout says of it follows from that."""
    struct, _, field = reason.partition(":")[0].partition(".")
    return bool(field) and any(f" {struct}, field {field}:" in one for one in told)


def _converter_violations(steps: Sequence[tuple[int, int]]) -> Iterator[str]:
    if len(steps) > CONVERTERS_LIMIT:
        yield f"state has {len(steps)} converters; it ends at {CONVERTERS_LIMIT}"
        return
    for step in steps:
        if violation := step_violation(*step):
            yield f"state.converters: {step[0]}→{step[1]}: {violation}"
    yield from (f"state.converters: {one[0]}→{one[1]} stands twice" for one in set(steps) if steps.count(one) > 1)


def _is_dropped(name: str) -> bool:
    return DROPPED_NAME.fullmatch(name) is not None
