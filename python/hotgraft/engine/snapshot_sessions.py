"""Sessions in a snapshot: each waits for who opens it again, and goes from snapshot to snapshot until somebody does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.snapshot import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.snapshot import SessionState
    from hotgraft.core.state import StateFacts
    from hotgraft.engine.snapshot_folder import KeptSnapshot

__all__ = ["WaitingSession", "waiting_in"]


@dataclass(frozen=True, slots=True, eq=False)
class WaitingSession:
    """A session that nobody has opened since.

    Args:
        kept: the snapshot that has it.
        session: what that has of it, as the next one will.
        facts: of the version that it is of.
    """

    kept: KeptSnapshot
    session: SessionState
    facts: StateFacts

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.session.name

    @property
    def version(self) -> str:
        """Return the version that it is of."""
        assert self.session.origin is not None  # as made below
        return self.session.origin.version

    @property
    def kind(self) -> object:
        """Return what decides the way to another version: equal for sessions that all go the same."""
        return self.session.origin, self.facts.can_save, self.facts.can_hand_over


def waiting_in(kept: KeptSnapshot, instances: tuple[str, ...]) -> Iterator[WaitingSession]:
    """Yield the sessions of these instances, in the order in which they were opened.

    Raises:
        SnapshotError: a descriptor of one is none that this hotgraft reads.
    """
    snapshot = kept.snapshot
    own = Origin(
        version=snapshot.version,
        generation=snapshot.generation,
        image_sha256=snapshot.image_sha256,
        descriptor=bytes(snapshot.descriptor),
    )
    facts: dict[tuple[Origin, bool, bool], StateFacts] = {}
    for one in snapshot.sessions:
        if one.instance not in instances:
            continue
        origin = one.origin or own
        kind = (origin, one.state.values is None, one.state.block is None)
        if kind not in facts:
            facts[kind] = snapshot.facts_of(one)
        since_ns = one.since_ns or snapshot.taken_ns
        yield WaitingSession(kept, replace(one, origin=origin, since_ns=since_ns), facts[kind])
