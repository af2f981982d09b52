"""What tests compile is kept under a hash of all that goes into it: other workers, runs and Pythons find it there."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from one_at_a_time import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "test-images"


@functools.cache
def compiler_bytes(name: str) -> bytes:
    """Return what tells a compiler from another one of the same name: its file, and when that was written."""
    path = os.path.realpath(shutil.which(name) or name)
    facts = os.stat(path)  # noqa: PTH116 - not found is an error that names it
    return f"{path} {facts.st_size} {facts.st_mtime_ns}\0".encode()


@functools.cache
def header_bytes() -> bytes:
    """Return every header that a plugin of the tests may include, as a hash."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("abi/hotgraft/*.h"), *ROOT.glob("tests/plugins/*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.digest()


def kept_folder(place: Path, parts: list[bytes], make: Callable[[Path], None]) -> Path:
    """Return the folder in `place` for these parts; `make` fills it, unless somebody did before."""
    place.mkdir(parents=True, exist_ok=True)
    folder = place / hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    if not folder.exists():
        with one_at_a_time(folder):
            if not folder.exists():
                made = Path(tempfile.mkdtemp(prefix="made-", dir=place))
                make(made)
                made.rename(folder)  # whole or not at all
    return folder
