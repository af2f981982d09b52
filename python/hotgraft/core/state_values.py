"""Values as an author writes them, as the bytes of a field: for the defaults of fields that are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.state_tree import encode_field
from hotgraft.core.surface import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.layout import StateLayout

__all__ = ["default_bytes"]


def default_bytes(layout: StateLayout, given: Mapping[str, Any]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the bytes of each default, by struct and field, and every reason why one is no value of its field.

    A number, true or false is one element; an array of them all elements; a text the bytes of an array of i8 or u8,
    ended by a zero.
    """
    found: dict[str, bytes] = {}
    reasons: list[str] = []
    for key, value in given.items():
        owner, _, name = key.partition(".")
        facts = layout.types.get(owner)
        members = facts.members if isinstance(facts, Record) else ()
        member = next((one for one in members if one.name == name), None)
        try:
            if member is None:
                raise ValueError("there is no such field")
            found[key] = encode_field(layout, member.type, value)
        except ValueError as error:
            reasons.append(f"the default of {key}: {error}")
    return found, tuple(reasons)
