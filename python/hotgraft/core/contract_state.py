"""Two versions of a plugin's state: a second question beside what callers rely on, because callers never see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.contract_facts import Fact
from hotgraft.core.contract_reach import OUT, Use
from hotgraft.core.contract_records import pair_facts
from hotgraft.core.contract_types import TypePairs
from hotgraft.core.state import StateFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.surface import Surface

__all__ = ["LAYOUT_KINDS", "state_facts"]

# Kinds of facts about a struct that callers share, and what each is where nobody but the plugin looks.
_IN_STATE: Final[Mapping[str, str]] = {
    "member-appended": "state-field-added",
    "member-added": "state-field-added",
    "member-added-unseen": "state-field-added",
    "union-member-added-to-output": "state-field-added",
    "member-removed": "state-field-removed",
    "member-moved": "state-field-moved",
    "member-renamed": "state-field-renamed",
    "member-retyped": "state-field-retyped",
    "member-bits-changed": "state-field-retyped",
    "array-length-changed": "state-field-retyped",
    "atomic-changed": "state-field-retyped",
    "enum-type-changed": "state-field-retyped",
}
_NO_LAYOUT: Final = frozenset(
    {"tag-renamed", "record-replaced", "reserved-changed", "opaque-completed", "opaque-renamed", "type-unseen"}
)
LAYOUT_KINDS: Final = frozenset(
    {"state-added", "state-dropped", "state-schema-changed", "state-layout-changed", *_IN_STATE.values()}
)


def state_facts(old: Surface, new: Surface) -> Iterator[Fact]:
    """Yield every difference between the state of two versions."""
    was, now = old.state or StateFacts(), new.state or StateFacts()
    if was == now and old.state_type == new.state_type and old.types == new.types:
        return
    if was.has_state != now.has_state:
        kind = "state-added" if now.has_state else "state-dropped"
        yield Fact(kind=kind, subject="state", before=was.kind, after=now.kind)
        return
    if was.schema != now.schema:
        yield Fact(
            kind="state-schema-changed", subject="state", before=f"schema {was.schema}", after=f"schema {now.schema}"
        )
    fields = [*_fields(old, new)]
    yield from fields
    if was.kind != now.kind or (was.layout_id != now.layout_id and not fields):
        before, after = (f"{one.kind}, layout {one.layout_id:016x}" for one in (was, now))
        yield Fact(kind="state-layout-changed", subject="state", before=before, after=after)
    yield from _ways(was, now)


def _fields(old: Surface, new: Surface) -> Iterator[Fact]:
    if not (old.state_type and new.state_type):
        return
    pairs = TypePairs(old.types, new.types)
    pairs.note(old.state_type, new.state_type, Use(OUT, True))
    pairs.settle()
    for pair in pairs.reached:
        for one in pair_facts(pairs, pair):
            if one.kind not in _NO_LAYOUT:
                kind = _IN_STATE.get(one.kind, "state-layout-changed")
                subject = f"state, {one.subject}"
                yield Fact(kind=kind, subject=subject, before=one.before, after=one.after, layout=one.layout)


def _ways(was: StateFacts, now: StateFacts) -> Iterator[Fact]:
    ways = (
        ("sharing one block", was.is_shared, now.is_shared),
        ("surrender and take", was.can_hand_over, now.can_hand_over),
        ("save and restore", was.can_save, now.can_save),
    )
    for words, before, after in ways:
        if before and not after:
            yield Fact(kind="state-way-dropped", subject="state", before=words)
        elif after and not before:
            yield Fact(kind="state-way-added", subject="state", after=words)
