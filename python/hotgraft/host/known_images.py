"""The images that a host knows of a plugin, and choosing one by its version or by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ContractError, HotgraftError
from hotgraft.engine.stage import inspect_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded

__all__ = ["KnownImage", "choose_image"]


@dataclass(frozen=True, slots=True)
class KnownImage:
    """One image: where it is, what it says that it is, and the SHA-256 of its bytes."""

    path: str
    version: str
    sha256: str
    where: str  # how the host came to know it
    is_kept: bool  # by the journal; the other one is where the plugin is loaded from

    def __str__(self) -> str:
        return f"{self.where}: version {self.version}, {self.sha256[:12]}"


def choose_image(
    loaded: Loaded, recorder: Recorder, *, version: str, digest: str, settle_deadline_s: float
) -> KnownImage:
    """Return the first image of a plugin that has this version, or this hash or beginning of one (lower case).

    Looked at: where the plugin is loaded from, then what the journal keeps of it, the newest first.

    Raises:
        ContractError: none has; each is named with what it is.
    """
    found: list[str] = []
    for where, path, is_kept in _places(loaded, recorder):
        try:
            image = _look(path, where, is_kept=is_kept, settle_deadline_s=settle_deadline_s)
        except (HotgraftError, OSError) as error:
            reasons = error.found if isinstance(error, HotgraftError) else (error.strerror or str(error),)
            found.append(f"{where}: {'; '.join(reasons) or error}")
            continue
        if image.version == version if version else image.sha256.startswith(digest):
            return image
        found.append(str(image))
    wanted = f"version {version}" if version else f"hash {digest}"
    raise ContractError(
        f"find an image of {wanted}",
        on=loaded.name,
        found=found,
        advice="build it where the plugin is loaded from, or choose one of those that are named",
        running=f"generation {loaded.serving.generation.number} still serves",
    )


def _places(loaded: Loaded, recorder: Recorder) -> Iterator[tuple[str, str, bool]]:
    yield loaded.source, loaded.source, False
    if recorder.journal is None:
        return
    store = recorder.journal.store
    for sha256 in store.good(loaded.name):
        yield f"kept by the journal as {sha256[:12]}", str(store.path(sha256)), True


def _look(path: str, where: str, *, is_kept: bool, settle_deadline_s: float) -> KnownImage:
    descriptor, _ = inspect_file(path, settle_deadline_s=settle_deadline_s, is_known=not is_kept)
    with Path(path).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return KnownImage(path, str(descriptor.version), sha256, where, is_kept)
