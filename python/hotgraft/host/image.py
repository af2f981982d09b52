"""What a caller names, made definite: which image, which content."""

from __future__ import annotations

from hotgraft.engine.image_path import image_of
from hotgraft.engine.stage import inspect_file
from hotgraft.engine.watch import content_of

__all__ = ["content_key", "image_of", "name_in"]


def name_in(source: str, *, settle_deadline_s: float) -> str:
    """Return the name that the image's descriptor says."""
    return inspect_file(source, settle_deadline_s=settle_deadline_s)[0].name


def content_key(source: str) -> str:
    """Return what tells contents apart, to merge equal requests.

    What cannot be read, or is no regular file, is its own path: refusing it is the attempt's.
    """
    return content_of(source) or source
