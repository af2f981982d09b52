"""A snapshot as bytes that anyone can read later and that show damage.

    offset  bytes  what
    0       8      the magic: 0x89 h g s n a p newline
    8       4      the format, 1 or 2                  little-endian, as all numbers here
    12      4      the size of the header
    16      .      the header: one MessagePack map, see `_Header`
    .       .      the parts, one after another, of the sizes that the header says; nothing between them
    end     32     SHA-256 of everything before it; at the end of every format there will ever be

The header holds the descriptor of the image that ran, so schema and layout of the state are described by the file
itself. Of each instance there are its values, its block and the blocks that this points to, as far as it has them.

Format 2 adds to the header what format 1 has no place for, and is written where there is any of it: `shared`, sessions
behind the instances, each like one, and `at_rest`. A session that is not of the version that the snapshot was taken of,
because a pin kept it on an older one or because nobody has opened it since that ran, says by its `origin` which it is
of. Every later format reads these too.

What is read may be torn, altered or made up: it is refused with a sentence, whatever the bytes.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final

import msgspec

from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ManifestError
from hotgraft.core.snapshot import InstanceState, Origin, SessionState, Snapshot, SnapshotLabel
from hotgraft.core.snapshot_error import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.snapshot import Bytes

__all__ = ["FORMAT", "HEAD_BYTES", "decode_snapshot", "encode_snapshot", "header_bytes_of", "label_of"]

FORMAT: Final = 2  # the latest that is read; what has nothing of it is written as 1, for who reads no other
MAGIC: Final = b"\x89hgsnap\n"
HEADER_LIMIT: Final = 1 << 26  # bytes
INSTANCES_LIMIT: Final = 65_536
SESSIONS_LIMIT: Final = 1 << 20
PARTS_LIMIT: Final = 1 << 20  # blocks that one block points to
ALIGN_LIMIT: Final = 1 << 30
_HEAD: Final = struct.Struct("<8sII")
_DIGEST_BYTES: Final = 32
HEAD_BYTES: Final = _HEAD.size


class _Instance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One instance; sizes of its parts in bytes, None: there is none."""

    name: str
    config: str
    values: int | None = None
    block: int | None = None
    align: int = 0
    blocks: tuple[int, ...] = ()
    shared: bool = False


class _Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One session; sizes as of an instance."""

    name: str
    instance: str
    values: int | None = None
    block: int | None = None
    align: int = 0
    blocks: tuple[int, ...] = ()
    origin: int = 0  # which of the header's origins, from 1; 0: the header's own
    since_ns: int = 0  # when it was copied, if it waits


class _Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: str
    generation: int
    image_sha256: str
    descriptor: bytes


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    plugin: str
    version: str
    generation: int
    image_sha256: str
    number: int
    taken_ns: int
    reason: str
    descriptor: bytes
    instances: tuple[_Instance, ...]
    sessions: tuple[_Session, ...] = ()
    origins: tuple[_Origin, ...] = ()
    at_rest: bool = True


def encode_snapshot(snapshot: Snapshot) -> Iterator[Bytes]:
    """Yield the bytes of the file, piece by piece, the large ones as they are: none is copied."""
    found = dict.fromkeys(one.origin for one in snapshot.sessions if one.origin is not None)
    origins = {one: number for number, one in enumerate(found, 1)}
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
            sessions=tuple(_session_sizes(one, origins) for one in snapshot.sessions),
            origins=tuple(
                _Origin(
                    version=one.version,
                    generation=one.generation,
                    image_sha256=one.image_sha256,
                    descriptor=one.descriptor,
                )
                for one in origins
            ),
            at_rest=snapshot.is_at_rest,
        )
    )
    digest = hashlib.sha256()
    for piece in _pieces(header, snapshot):
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
    if not 1 <= number <= FORMAT:
        raise _refused(on, f"it is of format {number}; this hotgraft reads formats 1 to {FORMAT}")
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
    if not 1 <= number <= FORMAT:
        raise _refused(on, f"it is of format {number}; this hotgraft reads formats 1 to {FORMAT}")
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
    parts: list[_Instance | _Session] = [*said.instances, *said.sessions]
    sizes = [size or 0 for one in parts for size in (one.values, one.block, *one.blocks)]
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
        sessions=len(said.sessions),
    )


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
        shared=one.is_shared,
    )


def _session_sizes(one: SessionState, origins: Mapping[Origin, int]) -> _Session:
    state = _sizes_of(one.state)
    return _Session(
        name=one.name,
        instance=one.instance,
        values=state.values,
        block=state.block,
        align=state.align,
        blocks=state.blocks,
        origin=0 if one.origin is None else origins[one.origin],
        since_ns=one.since_ns,
    )


def _pieces(header: bytes, snapshot: Snapshot) -> Iterator[Bytes]:
    yield _HEAD.pack(MAGIC, snapshot.format, len(header)) + header
    for one in snapshot.states:
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
    for instance in header.instances:
        yield from _unfit(instance, f"instance {instance.name[:64]!r}")
    if len(header.sessions) > SESSIONS_LIMIT:
        yield f"it has {len(header.sessions)} sessions; at most {SESSIONS_LIMIT} are read"
        return
    for session in header.sessions:
        who = f"session {session.name[:64]!r}"
        yield from _unfit(session, who)
        if session.instance not in names:
            yield f"{who}: it is of instance {session.instance[:64]!r}, which is not in it"
        if not 0 <= session.origin <= len(header.origins) or session.since_ns < 0:
            yield f"{who}: a number in its header is none that a session has"


def _unfit(one: _Instance | _Session, who: str) -> Iterator[str]:
    sizes = [size for size in (one.values, one.block, *one.blocks) if size is not None]
    if any(size < 0 for size in sizes) or len(one.blocks) > PARTS_LIMIT or (one.blocks and one.block is None):
        yield f"{who}: its parts have sizes that no state has"
    if not 0 <= one.align <= ALIGN_LIMIT or one.align.bit_count() > 1:
        yield f"{who}: its block is aligned to {one.align}"


def _snapshot_of(header: _Header, parts: memoryview, on: str) -> Snapshot:
    """Cut the parts out; they must be all that there is."""
    at = 0

    def cut(size: int) -> memoryview:
        nonlocal at
        at += size
        return parts[at - size : at]

    def state_of(one: _Instance | _Session) -> InstanceState:
        return InstanceState(
            name=one.name,
            config_json=one.config if isinstance(one, _Instance) else "{}",
            values=None if one.values is None else cut(one.values),
            block=None if one.block is None else cut(one.block),
            align=one.align,
            blocks=tuple(cut(size) for size in one.blocks),
            is_shared=isinstance(one, _Instance) and one.shared,
        )

    origins = (None, *(_origin_of(one) for one in header.origins))
    instances = tuple(map(state_of, header.instances))
    sessions = tuple(
        SessionState(state=state_of(one), instance=one.instance, origin=origins[one.origin], since_ns=one.since_ns)
        for one in header.sessions
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
        sessions=sessions,
        is_at_rest=header.at_rest,
    )


def _origin_of(one: _Origin) -> Origin:
    return Origin(
        version=one.version, generation=one.generation, image_sha256=one.image_sha256, descriptor=one.descriptor
    )


def _damaged(on: str, found: str) -> SnapshotError:
    advice = "use the one before it; this one stays for you to look at"
    return SnapshotError("read the snapshot", on=on, found=found, advice=advice, is_damaged=True)


def _refused(on: str, *found: str) -> SnapshotError:
    advice = "read it with the hotgraft that wrote it, or a later one; it was not touched"
    return SnapshotError("read the snapshot", on=on, found=found, advice=advice)
