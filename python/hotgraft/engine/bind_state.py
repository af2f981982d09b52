"""Which struct is the state: what `plugin.toml` says, and HOTGRAFT_STATE(schema) behind a struct of a header."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.manifest import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.engine.header_parse import DeclaredType

__all__ = ["declared_state"]

DEFAULT_SCHEMA = State().schema


def declared_state(wish: State, declared: Iterable[DeclaredType], complaints: list[str], on: str) -> State:
    """Return what a manifest says of the state together with what the headers say; both may, and then agree."""
    marked = [one for one in declared if one.state_schema]
    for one in marked[1:]:
        complaints.append(
            f"{one.path}:{one.line}: {one.name} is the state, and so is {marked[0].name}: a plugin has one"
        )
    if not marked:
        if wish.kind != "none" and not wish.struct and (wish.handover or not wish.save):
            complaints.append(
                f'{on}: state.struct: kind = "single" needs struct = the name of the C struct that is handed over, or '
                "HOTGRAFT_STATE(schema) behind that struct in a header, or save = true"
            )
        return wish
    one = marked[0]
    where = f"{one.path}:{one.line}: {one.name} is the state by HOTGRAFT_STATE({one.state_schema})"
    if wish.struct not in ("", one.name):
        complaints.append(f"{where}, and state.struct of {on} is {wish.struct}")
    if wish.schema not in (DEFAULT_SCHEMA, one.state_schema):
        complaints.append(f"{where}, and state.schema of {on} is {wish.schema}")
    kind = "single" if wish.kind == "none" else wish.kind
    hands_over = wish.handover or not wish.struct
    return replace(wish, kind=kind, struct=one.name, schema=one.state_schema, handover=hands_over)
