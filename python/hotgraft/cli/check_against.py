"""What `hotgraft check --against` compares with, and what that comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotgraft.cli.journal import journal_folder

if TYPE_CHECKING:
    from hotgraft.engine.comparison import Compared
    from hotgraft.engine.inspection import Inspection

__all__ = ["compared_with"]


def compared_with(found: Inspection, against: str, *, journal: str | None, config_file: Path | None) -> Compared:
    """Compare an image with the one that `against` names: a file, or a version that the journal keeps.

    Raises:
        click.BadParameter: it is neither.
        JournalError: that version is not kept. ImageError: one of the two is no image, or damaged.
    """
    from hotgraft.engine.comparison import compare_inspected, surface_of_image
    from hotgraft.engine.inspection import inspect_image
    from hotgraft.engine.kept_version import find_version

    path = Path(against)
    if not path.exists():
        if not _is_version(against):
            text = f"{against!r} is no file, and no version such as 1.4.0."
            raise click.BadParameter(text, param_hint="--against")
        surface_of_image(found)  # it must be one, to have a name
        if found.descriptor is None:
            text = f"{found.shown_path} holds no descriptor, so nobody knows whose version {against} is: name a file."
            raise click.BadParameter(text, param_hint="--against")
        path = find_version(journal_folder(journal, config_file), found.descriptor.name, against)
    elif path.is_dir():
        raise click.BadParameter(f"{against} is a folder, not an image.", param_hint="--against")
    return compare_inspected(inspect_image(path), found)


def _is_version(text: str) -> bool:
    from hotgraft.core.versions import Version

    try:
        Version.parse(text)
    except ValueError:
        return False
    return True
