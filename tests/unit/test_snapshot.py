"""The bytes of a snapshot: what is written is read, and whatever else is there is refused with a reason."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import msgspec
import pytest
from hotgraft.core.snapshot import (
    InstanceState,
    Origin,
    Pieces,
    SessionState,
    Snapshot,
    read_values,
    write_values,
)
from hotgraft.core.snapshot_bytes import FORMAT, decode_snapshot, encode_snapshot
from hotgraft.core.snapshot_error import SnapshotError
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(max_size=12)
PART = st.binary(max_size=40)
NUMBER = st.integers(0, 2**62)
STATE = {
    "name": TEXT,
    "values": st.none() | PART,
    "block": PART,
    "align": st.sampled_from([0, 1, 16, 4096]),
    "blocks": st.lists(PART, max_size=3).map(tuple),
}
INSTANCES = st.lists(
    st.builds(InstanceState, config_json=TEXT, is_shared=st.booleans(), **STATE),
    max_size=3,
    unique_by=lambda one: one.name,
).map(tuple)
ORIGIN = st.builds(Origin, version=TEXT, generation=NUMBER, image_sha256=TEXT, descriptor=PART)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw one with sessions of its instances, if it has any."""
    snapshot: Snapshot = draw(PLAIN_SNAPSHOTS)
    names = [one.name for one in snapshot.instances]
    if not names:
        return snapshot
    session = st.builds(
        SessionState,
        state=st.builds(InstanceState, **STATE),
        instance=st.sampled_from(names),
        origin=st.none() | ORIGIN,
        since_ns=NUMBER,
    )
    return replace(snapshot, sessions=tuple(draw(st.lists(session, max_size=3))), is_at_rest=draw(st.booleans()))


PLAIN_SNAPSHOTS = st.builds(
    Snapshot,
    plugin=TEXT,
    version=TEXT,
    generation=NUMBER,
    image_sha256=TEXT,
    descriptor=PART,
    number=NUMBER,
    taken_ns=NUMBER,
    reason=TEXT,
    instances=INSTANCES,
)
PLAIN = Snapshot(
    plugin="counter",
    version="1.0.0",
    generation=3,
    image_sha256="ab" * 32,
    descriptor=b"{}",
    number=7,
    taken_ns=1,
    reason="asked",
    instances=(InstanceState(name="main", values=write_values({"count": 5}), block=b"12345678", align=64),),
)


def data_of(snapshot: Snapshot) -> bytes:
    """Return the file's bytes."""
    return b"".join(encode_snapshot(snapshot))


def sealed(body: bytes) -> bytes:
    """Return the bytes with a checksum that fits them: made up, not damaged."""
    return body + hashlib.sha256(body).digest()


@given(snapshots())
def test_what_was_written_is_read(snapshot: Snapshot) -> None:
    """Every field of it, every byte of state."""
    assert decode_snapshot(data_of(snapshot), on="it") == snapshot


@given(st.data())
def test_one_bit_is_enough_to_be_refused(data: st.DataObject) -> None:
    """Wherever it is flipped: as damage, so that the one before is used."""
    whole = bytearray(data_of(PLAIN))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SnapshotError) as caught:
        decode_snapshot(bytes(whole), on="it")
    assert caught.value.is_damaged


def test_a_torn_one_is_refused_wherever_it_was_cut() -> None:
    """A file that was not written to its end, or has more behind it than was written."""
    whole = data_of(PLAIN)
    for cut in (*(whole[:size] for size in range(len(whole))), whole + b"\0", whole + whole):
        with pytest.raises(SnapshotError) as caught:
            decode_snapshot(cut, on="it")
        assert caught.value.is_damaged


def test_a_later_format_is_not_damage() -> None:
    """Its checksum fits, so it is what somebody wrote: the one before must not quietly take its place."""
    later = bytearray(data_of(PLAIN)[:-32])
    later[8] = FORMAT + 1
    with pytest.raises(
        SnapshotError, match=f"format {FORMAT + 1}; this hotgraft reads formats 1 to {FORMAT}"
    ) as caught:
        decode_snapshot(sealed(bytes(later)), on="it")
    assert not caught.value.is_damaged


def test_what_the_first_format_has_a_place_for_is_written_in_it() -> None:
    """Byte for byte as before there was a second: whoever reads no other goes on reading it."""
    data = data_of(PLAIN)
    header = msgspec.msgpack.decode(data[16 : 16 + int.from_bytes(data[12:16], "little")])
    assert data[8] == 1
    assert list(header) == [
        "plugin", "version", "generation", "image_sha256", "number", "taken_ns", "reason", "descriptor", "instances",
    ]  # fmt: skip
    assert set(header["instances"][0]) <= {"name", "config", "values", "block", "align", "blocks"}
    session = SessionState(state=InstanceState(name="alice", block=b"1"), instance="main")
    assert data_of(replace(PLAIN, sessions=(session,)))[8] == 2


@given(st.binary(max_size=80), st.integers(0, 100))
def test_a_made_up_header_is_refused(header: bytes, claimed: int) -> None:
    """Whatever stands there under a checksum that fits."""
    body = struct.pack("<8sII", b"\x89hgsnap\n", 1, claimed) + header
    with pytest.raises(SnapshotError) as caught:
        decode_snapshot(sealed(body), on="it")
    assert not caught.value.is_damaged


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"instances": PLAIN.instances * 2}, "an instance stands in it twice"),
        ({"number": -1}, "a number in its header is negative"),
        ({"instances": (InstanceState(name="a", block=b"", align=3),)}, "aligned to 3"),
        ({"instances": (InstanceState(name="a", blocks=(b"",)),)}, "sizes that no state has"),
        ({"sessions": (SessionState(state=InstanceState(name="alice"), instance="left"),)}, "instance 'left'"),
        (
            {"sessions": (SessionState(state=PLAIN.instances[0], instance="main", since_ns=-1),)},
            "a number in its header",
        ),
    ],
)
def test_what_no_snapshot_says_is_refused(change: dict[str, object], found: str) -> None:
    """A header of the right shape may still lie."""
    with pytest.raises(SnapshotError, match=found):
        decode_snapshot(data_of(replace(PLAIN, **change)), on="it")  # type: ignore[arg-type] # what is to be wrong


def test_sizes_that_do_not_add_up_are_refused() -> None:
    """Parts are never read past the end, nor anything left over."""
    whole = data_of(PLAIN)[:-32]
    for body in (whole[:-1], whole + b"x"):
        with pytest.raises(SnapshotError, match="bytes of state, and"):
            decode_snapshot(sealed(body), on="it")


def test_nothing_large_is_copied() -> None:
    """A state of gigabytes is written from where it lies, and read where the file lies."""
    block = bytes(1 << 20)
    snapshot = replace(PLAIN, instances=(InstanceState(name="main", block=block),))
    assert any(piece is block for piece in encode_snapshot(snapshot))
    data = data_of(snapshot)
    found = decode_snapshot(data, on="it").instances[0].block
    assert isinstance(found, memoryview) and found.obj is data


def test_values_in_pieces_are_read_in_one() -> None:
    """Save made them so; on disk they follow one another."""
    values = write_values({"count": 5})
    pieces = Pieces((values[:3], memoryview(values)[3:]))
    found = decode_snapshot(data_of(replace(PLAIN, instances=(InstanceState(name="a", values=pieces),))), on="it")
    assert found.instances[0].values == values
    assert read_values(pieces, on="it") == {"count": 5}


@given(st.dictionaries(TEXT, st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT | PART))
def test_values_keep_their_types_and_their_order(values: dict[str, object]) -> None:
    """An integer comes back as one, and 1.0 as a float."""
    found = read_values(write_values(values), on="it")
    assert [(key, type(one), one) for key, one in found.items()] == [
        (key, type(one), one) for key, one in values.items()
    ]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x81\x01\x02", b"\x81\xa1a", b"\x91" * 5000])
def test_values_that_are_none_are_refused(data: bytes) -> None:
    """A map with text for keys, or nothing."""
    with pytest.raises(SnapshotError, match="no MessagePack map"):
        read_values(data, on="it")


def test_a_descriptor_that_cannot_be_read_is_refused() -> None:
    """What a later hotgraft wrote may be known to it alone."""
    with pytest.raises(SnapshotError, match="counter, snapshot 7: could not read the descriptor"):
        PLAIN.facts()


def test_the_values_of_a_float_are_eight_bytes() -> None:
    """MessagePack knows shorter ones; a reader in C need not."""
    assert write_values({"a": 1.5}) == b"\x81\xa1a\xcb" + struct.pack(">d", 1.5)
    assert msgspec.msgpack.decode(write_values({"b": b"x"})) == {"b": b"x"}
