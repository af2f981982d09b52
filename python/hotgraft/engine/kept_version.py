"""The image of a version that served: among those that a journal keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import JournalError
from hotgraft.engine.inspection import inspect_image
from hotgraft.engine.journal_folder import IMAGES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find_version"]

_SHOWN: Final = 12  # images that are named in a refusal


def find_version(folder: Path, plugin: str, version: str) -> Path:
    """Return the kept image of a plugin's version, the newest if there are several.

    Args:
        folder: of the journal.

    Raises:
        JournalError: none is kept, with every image that was looked at.
    """
    try:
        images = [(one.stat().st_mtime_ns, one) for one in (folder / IMAGES).glob("*.so")]
    except OSError as error:
        raise _refusal(folder, plugin, version, [error.strerror or str(error)]) from None
    looked_at = []
    for _, image in sorted(images, reverse=True):
        descriptor = inspect_image(image).descriptor
        if descriptor is not None and (descriptor.name, descriptor.version) == (plugin, version):
            return image
        looked_at.append(
            f"{image.name[:8]}… is {f'{descriptor.name} {descriptor.version}' if descriptor else 'unreadable'}"
        )
    more = len(looked_at) - _SHOWN
    found = looked_at[:_SHOWN] + ([f"and {more} more"] if more > 0 else [])
    if not found:
        found = ["it keeps no image" if (folder / IMAGES).is_dir() else "there is none"]
    raise _refusal(folder, plugin, version, found)


def _refusal(folder: Path, plugin: str, version: str, found: list[str]) -> JournalError:
    return JournalError(
        f"find {plugin} {version} among the images of the journal",
        on=str(folder),
        found=found,
        advice="name the image's file, or the journal that keeps it: --journal FOLDER",
        running="nothing was compared",
    )
