"""A snapshot: the state of one plugin at one moment, as values; `snapshot_bytes` has what it is in a file.

Of each instance there are its values (what save put: one MessagePack map, keys in the order they were put), its block
(what hand over would give, or what versions share) followed by the blocks that it points to, or both: a plugin that
offers both ways may go either from here. Of each session there is the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from hotgraft.core.dataclass import dataclass
from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.saved_values import pack_values
from hotgraft.core.snapshot_error import SnapshotError
from hotgraft.core.surface_descriptor import state_facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.state import StateFacts

__all__ = [
    "Bytes", "InstanceState", "Origin", "Pieces", "SessionState", "Snapshot", "SnapshotLabel", "read_values",
    "write_values",
]  # fmt: skip

Bytes: TypeAlias = bytes | memoryview


class Pieces:
    """Bytes that lie in several pieces, for writing; what is read is in one."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[Bytes, ...]) -> None:
        self.pieces = pieces

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceState:
    """The state of one instance.

    Args:
        name: of the instance.
        config_json: what it was configured with.
        values: what save put, as MessagePack; None: it offers no save.
        block: what surrender gives; None: it offers no hand over, or its block means nothing in another process.
        align: to how many bytes the block was aligned; 0: as any memory is.
        blocks: what the block points to, in the order in which its layout is walked.
        is_shared: its block is the host's, and the code of two versions may use it at once.
    """

    name: str
    config_json: str = "{}"
    values: Bytes | Pieces | None = None
    block: Bytes | None = None
    align: int = 0
    blocks: tuple[Bytes, ...] = ()
    is_shared: bool = False

    @property
    def parts(self) -> Iterator[Bytes]:
        """Yield its bytes in the order of the file."""
        if isinstance(self.values, Pieces):
            yield from self.values.pieces
        elif self.values is not None:
            yield self.values
        if self.block is not None:
            yield self.block
        yield from self.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The version that a state is of, with what it takes to know what its bytes mean."""

    version: str
    generation: int
    image_sha256: str
    descriptor: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The state of one session.

    Args:
        state: what it has; `name` is what the session is called.
        instance: whose session it is.
        origin: what it is of, if that is not what the snapshot was taken of.
        since_ns: when it was copied, if that was before: it waits for who opens it again. 0: it was open.
    """

    state: InstanceState
    instance: str
    origin: Origin | None = None
    since_ns: int = 0

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.state.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of one plugin at one moment, and what it takes to know what the bytes mean."""

    plugin: str
    version: str  # of the plugin
    generation: int
    image_sha256: str
    descriptor: bytes  # of the image, as it is in it
    number: int  # grows with every snapshot in a folder
    taken_ns: int  # since 1970, by the wall's clock
    reason: str  # why it was taken: asked, schedule, before swap, close
    instances: tuple[InstanceState, ...]
    sessions: tuple[SessionState, ...] = ()  # of one name in the order in which they were opened
    is_at_rest: bool = True  # False: others could write to shared blocks while they were copied

    @property
    def states(self) -> Iterator[InstanceState]:
        """Yield what has bytes in the file, in its order."""
        yield from self.instances
        yield from (one.state for one in self.sessions)

    @property
    def bytes(self) -> int:
        """Return how many bytes of state it holds."""
        return sum(len(part) for one in self.states for part in one.parts)

    @property
    def format(self) -> int:
        """Return the earliest format that has a place for all of it."""
        is_plain = self.is_at_rest and not self.sessions and not any(one.is_shared for one in self.instances)
        return 1 if is_plain else 2

    def read_descriptor(self) -> Descriptor:
        """Return what the image that ran said about itself.

        Raises:
            SnapshotError: this hotgraft does not read such a descriptor; a later one may.
        """
        return self._read(self.descriptor)

    def facts(self) -> StateFacts:
        """Return what the version that ran declares about its state, ways left out that this snapshot has no bytes for.

        Raises:
            SnapshotError: as `read_descriptor`.
        """
        facts = state_facts_of(self.read_descriptor())
        if facts.is_per_session:  # its instances have none
            return facts
        if facts.is_shared and not all(one.is_shared for one in self.instances):  # of before there was a place for it
            facts = replace(facts, layout_id=0, layout=None)
        return _kept_ways(facts, self.instances)

    def facts_of(self, session: SessionState) -> StateFacts:
        """Return the same of what a session is of.

        Raises:
            SnapshotError: as `read_descriptor`.
        """
        return _kept_ways(state_facts_of(self.descriptor_of(session)), (session.state,))

    def descriptor_of(self, session: SessionState) -> Descriptor:
        """Return what the image that a session is of said about itself.

        Raises:
            SnapshotError: as `read_descriptor`.
        """
        return self._read(self.descriptor if session.origin is None else session.origin.descriptor)

    def _read(self, descriptor: Bytes) -> Descriptor:
        try:
            return read_descriptor(bytes(descriptor))
        except ManifestError as error:
            raise SnapshotError(
                "read the descriptor in the snapshot",
                on=f"{self.plugin}, snapshot {self.number}",
                found=error.found,
                advice="read it with the hotgraft that wrote it, or a later one",
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotLabel:
    """What a snapshot says of itself, read without its state and so without its checksum: for lists and housekeeping.

    `schema` is 0 where its descriptor cannot be read.
    """

    plugin: str
    version: str
    generation: int
    number: int
    taken_ns: int
    reason: str
    schema: int
    instances: tuple[str, ...]
    bytes: int  # of state
    sessions: int = 0  # how many it has


def write_values(values: dict[str, Any]) -> bytes:
    """Return keyed values as a snapshot holds them, keys in their order."""
    return pack_values(values)


def read_values(data: Bytes | Pieces, *, on: str) -> dict[str, Any]:
    """Return the keyed values that `write_values`, or a plugin's save, put there.

    Raises:
        SnapshotError: it is no such map.
    """
    try:
        return msgspec.msgpack.decode(bytes(data) if isinstance(data, Pieces) else data, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise SnapshotError(
            "read the snapshot",
            on=on,
            found=f"its values are no MessagePack map with text for keys: {error}",
            advice="read it with the hotgraft that wrote it, or a later one; it was not touched",
        ) from None


def _kept_ways(facts: StateFacts, states: tuple[InstanceState, ...]) -> StateFacts:
    return replace(
        facts,
        can_save=facts.can_save and all(one.values is not None for one in states),
        can_hand_over=facts.can_hand_over and all(one.block is not None for one in states),
    )
