"""contract_claims.py: what is declared is not looser than what was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from contract_rows import function, interface, offering, parameter, record
from contract_rows_functions import BOTH, FLUSH, STEP
from contract_rows_promises import FIELDS, STATE
from hotgraft.core.contract_judge import compare
from hotgraft.core.contract_rules import Verdict
from hotgraft.core.layout import StateLayout

if TYPE_CHECKING:
    from hotgraft.core.surface import Surface

RETYPED: Final = replace(STEP, parameters=(parameter("by", "i32"),))
MAJOR, MINOR, PATCH = (RETYPED, FLUSH), (STEP, FLUSH, function("more", offset=24)), (STEP, FLUSH)


def _steps(functions: tuple[object, ...], old: tuple[int, int], new: tuple[int, int]) -> tuple[Surface, Surface]:
    """Return two versions whose interface is declared to step so."""
    was = replace(BOTH, interfaces=(interface(STEP, FLUSH, version=old),))
    return was, replace(BOTH, interfaces=(interface(*functions, version=new),))  # type: ignore[arg-type] # functions


@pytest.mark.parametrize(
    ("functions", "old", "new", "least"),
    [
        (MAJOR, (1, 2), (1, 2), "2.0"),
        (MAJOR, (1, 2), (1, 3), "2.0"),
        (MINOR, (1, 2), (1, 2), "1.3"),
        (MINOR, (1, 2), (1, 3), None),
        (MINOR, (1, 2), (1, 9), None),  # stricter is honest
        (PATCH, (1, 2), (1, 2), None),
        (PATCH, (1, 2), (1, 3), None),
        (MAJOR, (0, 2), (0, 2), "0.3"),  # below 1.0 a minor is a major step
        (MINOR, (0, 2), (0, 2), "0.3"),
        (MAJOR, (0, 2), (0, 3), None),
        (MINOR, (1, 2), (1, 1), None),  # a step back claims nothing
    ],
)
def test_an_interface_s_step_is_as_large_as_its_facts(
    functions: tuple[object, ...], old: tuple[int, int], new: tuple[int, int], least: str | None
) -> None:
    """Ranges of consumers believe the number: one that lies lets a break in where nobody compares."""
    found = compare(*_steps(functions, old, new))

    assert [one.least for one in found.claims] == ([least] if least else [])


def test_a_claim_names_declared_least_and_every_fact() -> None:
    """The author reads which number would be honest, and because of what."""
    (claim,) = compare(*_steps((RETYPED,), (1, 2), (1, 3))).claims

    assert str(claim) == (
        "interface gain 1.2 → 1.3, and the facts ask for 2.0: "
        "gain/1.step, parameter 1 (by) retyped: i64 → i32 and 1 more"
    )
    assert claim.as_dict() == {
        "subject": "interface gain",
        "before": "1.2",
        "declared": "1.3",
        "least": "2.0",
        "facts": [
            "gain/1.step, parameter 1 (by) retyped: i64 → i32",
            "gain/1.flush: function removed: () -> status",
        ],
    }


def test_a_struct_that_changed_is_a_claim_of_each_interface_that_passes_it() -> None:
    """It is one header, and two interfaces whose callers break."""
    faces = tuple(interface(function("f", parameter("p", "thing*")), name=name) for name in ("gain", "meter"))
    old = offering(types={"thing": FIELDS}, interfaces=(*faces, interface(STEP, name="other")))
    new = replace(old, types={"thing": replace(FIELDS, bytes=16)})

    assert [one.subject for one in compare(old, new).claims] == ["interface gain", "interface meter"]


@pytest.mark.parametrize(
    ("verdict", "old", "new", "least"),
    [
        (Verdict.MAJOR, "1.2.3", "1.2.4", "2.0.0"),
        (Verdict.MAJOR, "1.2.3", "1.3.0", "2.0.0"),
        (Verdict.MAJOR, "1.2.3", "2.0.0", None),
        (Verdict.MAJOR, "1.2.3", "2.0.0-rc.1", None),
        (Verdict.MINOR, "1.2.3", "1.2.4", "1.3.0"),
        (Verdict.MINOR, "1.2.3", "1.3.0", None),
        (Verdict.PATCH, "1.2.3", "1.2.3", None),
        (Verdict.PATCH, "1.2.3", "1.2.4", None),
        (Verdict.UNKNOWN, "1.2.3", "1.2.4", None),
        (Verdict.MAJOR, "0.2.3", "0.2.4", "0.3.0"),
        (Verdict.MAJOR, "0.2.3", "0.3.0", None),
        (Verdict.MINOR, "0.2.3", "0.2.3", "0.2.4"),
        (Verdict.MINOR, "0.2.3", "0.2.4", None),
        (Verdict.MAJOR, "2.0.0-rc.1", "2.0.0-rc.2", None),  # a pre-release promises nothing
        (Verdict.MAJOR, "1.3.0", "1.2.0", None),
        (Verdict.MAJOR, "", "", None),
    ],
)
def test_a_plugin_s_version_is_as_large_as_all_facts_when_it_is_released(
    verdict: Verdict, old: str, new: str, least: str | None
) -> None:
    """While it is developed one number is built many times, so this is a list of its own."""
    changed = {
        Verdict.MAJOR: {"interfaces": ()},
        Verdict.MINOR: {"features": ("stereo",)},
        Verdict.PATCH: {"config_schema": {"type": "object"}},
        Verdict.UNKNOWN: {"unseen": ("an inline function",)},
    }[verdict]
    found = compare(replace(BOTH, version=old), replace(BOTH, version=new, **changed))  # type: ignore[arg-type] # fields

    assert found.verdict is verdict
    assert [one.least for one in found.release_claims] == ([least] if least else [])
    assert found.claims == ()


def test_a_state_layout_that_changed_under_one_schema_number_is_a_claim_of_a_release() -> None:
    """What was saved by one version would be read by the other as its own."""
    old = replace(BOTH, state=STATE, state_type="block", types={"block": FIELDS})
    new = replace(old, types={"block": record("a: i32 @0", size=4)}, state=replace(STATE, layout_id=8))

    (claim,) = compare(old, new).release_claims
    assert (claim.subject, claim.declared, claim.least) == ("state schema", "1", "2")
    honest = replace(new, state=replace(STATE, layout_id=8, schema=2))
    assert compare(old, honest).release_claims == ()


def _with_block(*members: str, size: int) -> Surface:
    types = {"block": record(*members, size=size)}
    state = replace(STATE, can_hand_over=True, layout_id=size, layout=StateLayout(struct="block", types=types))
    return replace(BOTH, state=state, state_type="block", types=types)


def test_a_state_that_is_converted_by_name_keeps_its_schema() -> None:
    """The docs promise it: add a field, save, and the data stays; a gate that refused that would say otherwise."""
    small, large = _with_block("a: i32 @0", size=4), _with_block("a: i32 @0", "b: i32 @4", size=8)

    assert compare(small, large).release_claims == ()
    (claim,) = compare(large, small).release_claims  # b has no place: what would be lost is no conversion
    assert claim.subject == "state schema"
