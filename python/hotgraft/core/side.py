"""From a descriptor to the facts that a swap's plan depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.plan import Side
from hotgraft.core.surface_descriptor import surface_of

if TYPE_CHECKING:
    from hotgraft.core.descriptor import Descriptor

__all__ = ["side_of"]


def side_of(descriptor: Descriptor) -> Side:
    """Return what callers and state of this version depend on."""
    return Side(surface=surface_of(descriptor))
