"""The anchor beside a journal: how many records it has and the hash of the last, so that a cut tail is found.

Two slots, each in a block of the disk of its own; the older one is written over. Whatever is lost or torn, one whole
anchor stays, the new one or the one before, and one fdatasync makes it durable: a file that replaces the old one would
take two syncs that also write the folder (about twice the time).
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.audit import GENESIS, Anchor
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_folder import ANCHOR

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["anchor_of", "read_anchor", "write_anchor"]

_FORMAT: Final = 1
_SLOT: Final = 4096  # bytes


def read_anchor(folder: Path) -> Anchor | None:
    """Return the anchor; None: there is none.

    Raises:
        JournalError: it cannot be read, or neither slot holds what was written.
    """
    path = folder / ANCHOR
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError("read the anchor", on=str(path), found=error.strerror or str(error)) from None
    found = [one for one in _slots(data) if one is not None]
    if not found:
        advice = "see what the chain itself says: hotgraft audit verify --against what was kept elsewhere"
        raise JournalError("read the anchor", on=str(path), found="it is damaged", advice=advice)
    return max(found, key=lambda one: one.count)


def anchor_of(values: dict[str, Any]) -> Anchor:
    """Return the anchor in plain values.

    Raises:
        ValueError, KeyError: it is none.
    """
    count, head = values["count"], values["head"]
    if not isinstance(count, int) or not isinstance(head, str) or len(head) != len(GENESIS) or count < 0:
        raise ValueError("it has no count and hash")
    return Anchor(count, head)


def write_anchor(folder: Path, anchor: Anchor, *, is_durable: bool) -> None:
    """Put an anchor into the older slot; not durable yet, it may be the one before that outlasts a loss of power.

    Raises:
        OSError: it could not be written, or not be made durable.
    """
    fd = os.open(folder / ANCHOR, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        counts = [-1 if one is None else one.count for one in _slots(os.pread(fd, 2 * _SLOT, 0))]
        os.pwrite(fd, _slot_of(anchor), _SLOT * counts.index(min(counts)))
        if is_durable:
            os.fdatasync(fd)
    finally:
        os.close(fd)


def _slots(data: bytes) -> list[Anchor | None]:
    return [_anchor_in(data[start : start + _SLOT]) for start in (0, _SLOT)]


def _anchor_in(slot: bytes) -> Anchor | None:
    """Return what a slot holds; None: nothing, or not all of it was written."""
    try:
        values = json.loads(slot)
        anchor = anchor_of(values)
        return anchor if values["check"] == _check(anchor) and values["hotgraft_anchor"] == _FORMAT else None
    except (ValueError, TypeError, KeyError):
        return None


def _slot_of(anchor: Anchor) -> bytes:
    values = {"hotgraft_anchor": _FORMAT, "count": anchor.count, "head": anchor.head, "check": _check(anchor)}
    return json.dumps(values).encode().ljust(_SLOT - 1) + b"\n"


def _check(anchor: Anchor) -> str:
    return hashlib.sha256(f"{anchor.count}:{anchor.head}".encode()).hexdigest()[:16]
