"""Each part of the header reader taken out: a change that breaks must then be called compatible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from contract_pair import ALLOWED
from contract_runs import COMPILERS, pairs_of, verdict_of
from hotgraft.core import contract_functions as functions
from hotgraft.core import contract_judge as judge
from hotgraft.engine import header_surface_assembly as assembly
from hotgraft.engine import header_surface_declared as declared
from hotgraft.engine import header_surface_types as types
from hotgraft.engine.header_surface_assembly import CALLING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What is taken out, by what is put in its place, and the pair that is let in then.
BLIND_TO: Final[dict[str, tuple[Any, str, Any, str, str]]] = {
    "alignments that the compiler says": (
        types.TypeReader, "_measured", lambda *_: None,
        "layout", "packing changes neither offset nor size, only the alignment",
    ),
    "attributes that change a call": (
        declared, "calling_facts", lambda _: (), "attributes", "a function is called by another convention",
    ),
    "promises that callers build on": (
        declared, "promises", lambda _: (), "results", "a function that never returned returns",
    ),
    "lengths of arrays that are parameters": (
        assembly._Assembly, "_length", lambda *_: None, "parameters", "an array parameter needs one element more",
    ),
    "macros and code in headers": (
        assembly._Assembly, "_constants", lambda *_: {CALLING: "none"},
        "code", "a macro with arguments packs another way",
    ),
    "typedefs in code": (
        assembly._Assembly, "_code", lambda _self, _name, text: text,
        "code", "the type that an inline function reads by becomes wider",
    ),
    "types that no declaration leads to": (
        judge, "note_bare_types", lambda *_: None,
        "bare", "a table of functions that is found by its name exchanges two",
    ),
    "names that say how many there are": (
        functions, "is_count", lambda *_: False,
        "sized", "a sized struct of which as many are passed as the next parameter says grows",
    ),
}  # fmt: skip


@pytest.mark.control
@pytest.mark.parametrize("what", BLIND_TO)
def test_blind_to_it_a_break_is_let_in(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else sees what this part sees."""
    owner, name, instead, kind, pair_name = BLIND_TO[what]
    pair = next(one for one in pairs_of(kind) if one.name == pair_name)
    blind: Callable[..., object] = instead
    monkeypatch.setattr(owner, name, blind)

    verdict, facts = verdict_of(pair, tmp_path, COMPILERS[0])

    assert verdict in ALLOWED, facts
