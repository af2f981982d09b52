"""A snapshot: the state of one plugin at one moment, as bytes that anyone can read later and that show damage.

    offset  bytes  what
    0       8      the magic: 0x89 h g s n a p newline
    8       4      the format, 1                       little-endian, as all numbers here
    12      4      the size of the header
    16      .      the header: one MessagePack map, see `_Header`
    .       .      the parts, one after another, of the sizes that the header says; nothing between them
    end     32     SHA-256 of everything before it; at the end of every format there will ever be

The header holds the descriptor of the image that ran, so schema and layout of the state are described by the file
itself. Of each instance there are its values (what save put: one MessagePack map, keys in the order they were put), its
block (what hand over would give) followed by the blocks that it points to, or both: a plugin that offers both
ways may go either from here.

What is read may be torn, altered or made up: it is refused with a sentence, whatever the bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

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
    "FORMAT", "HEAD_BYTES", "InstanceState", "Pieces", "Snapshot", "SnapshotLabel", "decode_snapshot",
    "encode_snapshot", "header_bytes_of", "label_of", "read_values", "write_values",
]  # fmt: skip

FORMAT: Final = 1
MAGIC: Final = b"\x89hgsnap\n"
HEADER_LIMIT: Final = 1 << 26  # bytes
INSTANCES_LIMIT: Final = 65_536
PARTS_LIMIT: Final = 1 << 20  # blocks that one block points to
ALIGN_LIMIT: Final = 1 << 30
_HEAD: Final = struct.Struct("<8sII")
_DIGEST_BYTES: Final = 32
HEAD_BYTES: Final = _HEAD.size
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


class _Instance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One instance; sizes of its parts in bytes, None: there is none."""

    name: str
    config: str
    values: int | None = None
    block: int | None = None
    align: int = 0
    blocks: tuple[int, ...] = ()


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    plugin: str
    version: str
    generation: int
    image_sha256: str
    number: int
    taken_ns: int
    reason: str
    descriptor: bytes
    instances: tuple[_Instance, ...]


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
    """

    name: str
    config_json: str = "{}"
    values: Bytes | Pieces | None = None
    block: Bytes | None = None
    align: int = 0
    blocks: tuple[Bytes, ...] = ()

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

    @property
    def bytes(self) -> int:
        """Return how many bytes of state it holds."""
        return sum(len(part) for one in self.instances for part in one.parts)

    def read_descriptor(self) -> Descriptor:
        """Return what the image that ran said about itself.

        Raises:
            SnapshotError: this hotgraft does not read such a descriptor; a later one may.
        """
        try:
            return read_descriptor(self.descriptor)
        except ManifestError as error:
            raise SnapshotError(
                "read the descriptor in the snapshot",
                on=f"{self.plugin}, snapshot {self.number}",
                found=error.found,
                advice="read it with the hotgraft that wrote it, or a later one",
            ) from None

    def facts(self) -> StateFacts:
        """Return what the version that ran declares about its state, ways left out that this snapshot has no bytes for.

        Raises:
            SnapshotError: as `read_descriptor`.
        """
        facts = state_facts_of(self.read_descriptor())
        if facts.is_shared:  # its block was the process's: what was saved is here
            facts = replace(facts, layout_id=0, layout=None)
        return replace(
            facts,
            can_save=facts.can_save and all(one.values is not None for one in self.instances),
            can_hand_over=facts.can_hand_over and all(one.block is not None for one in self.instances),
        )


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


def encode_snapshot(snapshot: Snapshot) -> Iterator[Bytes]:
    """Yield the bytes of the file, piece by piece, the large ones as they are: none is copied."""
    header = msgspec.msgpack.encode(
        _Header(
            plugin=snapshot.plugin,
            version=snapshot.version,
            generation=snapshot.generation,
            image_sha256=snapshot.image_sha256,
            number=snapshot.number,
            taken_ns=snapshot.taken_ns,
            reason=snapshot.reason,
            descriptor=snapshot.descriptor,
            instances=tuple(_sizes_of(one) for one in snapshot.instances),
        )
    )
    digest = hashlib.sha256()
    for piece in _pieces(header, snapshot.instances):
        digest.update(piece)
        yield piece
    yield digest.digest()


def decode_snapshot(data: Bytes, *, on: str) -> Snapshot:
    """Return the snapshot that these bytes are; its parts are views of them. `on` names the file for messages.

    Raises:
        SnapshotError: they are none; `is_damaged` says that they were one, or part of one.
    """
    view = memoryview(data).toreadonly()
    if len(view) < _HEAD.size + _DIGEST_BYTES:
        raise _damaged(on, f"it has {len(view)} bytes, fewer than any snapshot")
    body, kept = view[:-_DIGEST_BYTES], bytes(view[-_DIGEST_BYTES:])
    magic, number, header_bytes = _HEAD.unpack_from(body)
    if magic != MAGIC:
        raise _damaged(on, "it does not begin as a snapshot does")
    if hashlib.sha256(body).digest() != kept:
        raise _damaged(on, "its checksum does not fit what it holds: it was cut short or altered")
    if number != FORMAT:
        raise _refused(on, f"it is of format {number}; this hotgraft reads format {FORMAT}")
    if header_bytes > min(len(body) - _HEAD.size, HEADER_LIMIT):
        raise _refused(on, f"its header claims {header_bytes} bytes")
    header = _header_of(body[_HEAD.size : _HEAD.size + header_bytes], on)
    return _snapshot_of(header, body[_HEAD.size + header_bytes :], on)


def header_bytes_of(head: Bytes, *, on: str) -> int:
    """Return the size of the header that follows the first `HEAD_BYTES` of a file.

    Raises:
        SnapshotError: as `decode_snapshot`.
    """
    if len(head) < _HEAD.size or bytes(head[:8]) != MAGIC:
        raise _damaged(on, "it does not begin as a snapshot does")
    _, number, header_bytes = _HEAD.unpack_from(head)
    if number != FORMAT:
        raise _refused(on, f"it is of format {number}; this hotgraft reads format {FORMAT}")
    if header_bytes > HEADER_LIMIT:
        raise _damaged(on, f"its header claims {header_bytes} bytes")
    return int(header_bytes)


def label_of(header: Bytes, *, on: str) -> SnapshotLabel:
    """Return what a header says; nothing vouches for it.

    Raises:
        SnapshotError: as `decode_snapshot`.
    """
    said = _header_of(header, on)
    try:
        schema = read_descriptor(said.descriptor).state.schema
    except ManifestError:
        schema = 0
    sizes = [size or 0 for one in said.instances for size in (one.values, one.block, *one.blocks)]
    return SnapshotLabel(
        plugin=said.plugin,
        version=said.version,
        generation=said.generation,
        number=said.number,
        taken_ns=said.taken_ns,
        reason=said.reason,
        schema=schema,
        instances=tuple(one.name for one in said.instances),
        bytes=sum(sizes),
    )


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
        raise _refused(on, f"its values are no MessagePack map with text for keys: {error}") from None


def _header_of(data: Bytes, on: str) -> _Header:
    try:
        header = msgspec.msgpack.decode(data, type=_Header)
    except (msgspec.DecodeError, RecursionError) as error:  # of which a wrong type is one kind
        raise _refused(on, f"its header cannot be read: {error}") from None
    if found := tuple(_violations(header)):
        raise _refused(on, *found)
    return header


def _sizes_of(one: InstanceState) -> _Instance:
    return _Instance(
        name=one.name,
        config=one.config_json,
        values=None if one.values is None else len(one.values),
        block=None if one.block is None else len(one.block),
        align=one.align,
        blocks=tuple(len(block) for block in one.blocks),
    )


def _pieces(header: bytes, instances: tuple[InstanceState, ...]) -> Iterator[Bytes]:
    yield _HEAD.pack(MAGIC, FORMAT, len(header)) + header
    for one in instances:
        yield from one.parts


def _violations(header: _Header) -> Iterator[str]:
    """Yield what no snapshot says, however it was made."""
    if len(header.instances) > INSTANCES_LIMIT:
        yield f"it has {len(header.instances)} instances; at most {INSTANCES_LIMIT} are read"
        return
    names = [one.name for one in header.instances]
    if len(names) != len(set(names)):
        yield "an instance stands in it twice"
    if header.number < 0 or header.generation < 0 or header.taken_ns < 0:
        yield "a number in its header is negative"
    for one in header.instances:
        sizes = [size for size in (one.values, one.block, *one.blocks) if size is not None]
        if any(size < 0 for size in sizes) or len(one.blocks) > PARTS_LIMIT or (one.blocks and one.block is None):
            yield f"instance {one.name[:64]!r}: its parts have sizes that no state has"
        if not 0 <= one.align <= ALIGN_LIMIT or one.align.bit_count() > 1:
            yield f"instance {one.name[:64]!r}: its block is aligned to {one.align}"


def _snapshot_of(header: _Header, parts: memoryview, on: str) -> Snapshot:
    """Cut the parts out; they must be all that there is."""
    at = 0

    def cut(size: int) -> memoryview:
        nonlocal at
        at += size
        return parts[at - size : at]

    instances = tuple(
        InstanceState(
            name=one.name,
            config_json=one.config,
            values=None if one.values is None else cut(one.values),
            block=None if one.block is None else cut(one.block),
            align=one.align,
            blocks=tuple(cut(size) for size in one.blocks),
        )
        for one in header.instances
    )
    if at != len(parts):
        raise _refused(on, f"its header speaks of {at} bytes of state, and {len(parts)} are there")
    return Snapshot(
        plugin=header.plugin,
        version=header.version,
        generation=header.generation,
        image_sha256=header.image_sha256,
        descriptor=header.descriptor,
        number=header.number,
        taken_ns=header.taken_ns,
        reason=header.reason,
        instances=instances,
    )


def _damaged(on: str, found: str) -> SnapshotError:
    advice = "use the one before it; this one stays for you to look at"
    return SnapshotError("read the snapshot", on=on, found=found, advice=advice, is_damaged=True)


def _refused(on: str, *found: str) -> SnapshotError:
    advice = "read it with the hotgraft that wrote it, or a later one; it was not touched"
    return SnapshotError("read the snapshot", on=on, found=found, advice=advice)
