"""The anchor beside a journal: how many records it has and the hash of the last, so that a cut tail is found.

Written whole: into a file of its own, synced, renamed over the old one, and the folder synced. At any moment, and after
any loss of power, there is one whole anchor: the new one or the one before.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from hotgraft.core.audit import GENESIS, Anchor
from hotgraft.core.errors import JournalError
from hotgraft.engine.journal_folder import ANCHOR, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["anchor_of", "read_anchor", "write_anchor"]

_FORMAT: Final = 1


def read_anchor(folder: Path) -> Anchor | None:
    """Return the anchor; None: there is none.

    Raises:
        JournalError: it cannot be read, or is not what was written.
    """
    path = folder / ANCHOR
    try:
        return anchor_of(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError("read the anchor", on=str(path), found=error.strerror or str(error)) from None
    except (ValueError, TypeError, KeyError) as error:
        advice = "see what the chain itself says: hotgraft audit verify"
        raise JournalError("read the anchor", on=str(path), found=f"it is damaged: {error}", advice=advice) from None


def anchor_of(values: dict[str, object]) -> Anchor:
    """Return the anchor in plain values.

    Raises:
        ValueError, KeyError: it is none.
    """
    count, head = values["count"], values["head"]
    if values.get("hotgraft_anchor", _FORMAT) != _FORMAT:
        raise ValueError(f"its format is {values['hotgraft_anchor']}, and {_FORMAT} is known here")
    if not isinstance(count, int) or not isinstance(head, str) or len(head) != len(GENESIS) or count < 0:
        raise ValueError("it has no count and hash")
    return Anchor(count, head)


def write_anchor(folder: Path, anchor: Anchor) -> None:
    """Put a new anchor in the place of the old one, durably.

    Raises:
        OSError: it could not be written, or not be made durable. The old one, or the new one, is there.
    """
    fresh = folder / f"{ANCHOR}.new"
    text = json.dumps({"hotgraft_anchor": _FORMAT, "count": anchor.count, "head": anchor.head})
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, text.encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    fresh.replace(folder / ANCHOR)
    sync_folder(folder)
