"""The image before the one that was committed last: what a rollback after commit is made of, where there is no journal.

A second name of its staged copy outlives it. It is only read again, staged anew like any other image: a rollback after
commit is a new swap.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft import _core

__all__ = ["Previous", "keep_previous"]


@dataclass(frozen=True, slots=True)
class Previous:
    """Where it is, its hash, and the config of each instance it had."""

    path: str
    sha256: str
    version: str
    configs: Mapping[str, str]

    def forget(self) -> None:
        """Remove it; it may be gone."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)  # noqa: PTH108 - a path as the core gives it


def keep_previous(
    generation: _core.Generation, *, folder: str, version: str, configs: Mapping[str, str], before: Previous | None
) -> Previous | None:
    """Keep the image of what is about to leave, in place of the one before; None: it cannot be kept.

    Not kept is a copy outside of `folder`: it lies beside its source because it names ``$ORIGIN``, and would be left
    there.
    """
    if before is not None:
        before.forget()
    source = generation.path
    if os.path.dirname(source) != os.path.normpath(folder):  # noqa: PTH120 - as above
        return None
    path = f"{source.removesuffix('.so')}.previous"
    try:
        os.link(source, path)
    except OSError:  # no room for a name, or a file system without links: then there is none
        return None
    return Previous(path, generation.sha256, version, configs)
