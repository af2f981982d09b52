"""Rows of what a plugin declares beside its functions: requirements, features, schemas, state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from contract_rows import Row, back, offering, record
from hotgraft.core.state import StateFacts
from hotgraft.core.surface import Requirement, Surface

STATE: Final = StateFacts(kind="single", schema=1, layout_id=7, can_hand_over=True, can_save=True)
FIELDS: Final = record("a: i32 @0", "b: i32 @4", size=8)


def _with(**given: Any) -> Surface:
    return replace(offering(), **given)


def _needs(old: str, new: str) -> tuple[Surface, Surface]:
    """Return two versions with these requirements: ``fft ^1.2``, with a ``?`` at its end where it is optional."""
    return _with(requires=_requirements(old)), _with(requires=_requirements(new))


def _requirements(text: str) -> tuple[Requirement, ...]:
    name, _, wanted = text.partition(" ")
    given = Requirement(interface=name, range=wanted.rstrip("?"), is_optional=wanted.endswith("?"))
    return (given,) if text else ()


def _state(old: Any, new: Any, **facts: Any) -> tuple[Surface, Surface]:
    """Return two versions whose state's struct is of these layouts."""
    was = _with(state=STATE, state_type="block", types={"block": old})
    return was, replace(was, state=replace(STATE, **{"layout_id": 8, **facts}), types={"block": new})


PROMISES: Final = (
    # DESIGN §8: requirement loosened → minor
    Row("requirement loosened", *_needs("fft ^1.2", "fft >=1.2,<3"), ("requirement-loosened",)),
    Row("requirement dropped", *_needs("fft ^1.2", ""), ("requirement-loosened",)),
    Row("requirement optional", *_needs("fft ^1.2", "fft ^1.2?"), ("requirement-loosened",)),
    Row("requirement reworded", *_needs("fft ^1.2", "fft >=1.2,<2"), ("requirement-reworded",)),
    Row("requirement raised", *_needs("fft ^1.2", "fft ^1.3"), ("requirement-tightened",)),
    Row("another major required", *_needs("fft ^1.2", "fft ^2.0"), ("requirement-tightened",)),
    Row("one version only", *_needs("fft ^1.2", "fft =1.2"), ("requirement-tightened",)),
    Row("a hole in the range", *_needs("fft ^1.2", "fft >=1.2,<1.5 || >1.5,<2"), ("requirement-tightened",)),
    Row("no longer optional", *_needs("fft ^1.2?", "fft ^1.2"), ("requirement-tightened",)),
    Row("requirement added", *_needs("", "fft ^1.2"), ("requirement-added",)),
    Row("option added", *_needs("", "fft ^1.2?"), ("option-added",)),
    # DESIGN §8: feature dropped → major; new permission → waits for a grant
    Row("feature added", _with(), _with(features=("stereo",)), ("feature-added",)),
    Row("feature dropped", _with(features=("stereo",)), _with(), ("feature-dropped",)),
    Row("permission added", _with(), _with(permissions=("net",)), ("permission-added",)),
    Row("permission dropped", _with(permissions=("net",)), _with(), ("permission-dropped",)),
    # DESIGN §8: config schema
    Row("config schema changed", _with(), _with(config_schema={"type": "object"}), ("config-schema-changed",)),
    # DESIGN §8: host ABI
    Row("ABI minor raised", _with(abi=(1, 2)), _with(abi=(1, 3)), ("abi-raised",)),
    Row("ABI minor lowered", _with(abi=(1, 3)), _with(abi=(1, 2)), ("abi-lowered",)),
    Row("another ABI", _with(abi=(1, 2)), _with(abi=(2, 0)), ("abi-replaced",)),
    Row("what is unseen, on both sides", _with(unseen=("a",)), _with(unseen=("a",)), ("unseen",)),
    Row("what is unseen, each its own", _with(unseen=("a",)), _with(unseen=("b",)), ("unseen", "unseen")),
)
OBJECT: Final[dict[str, Any]] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def _answers(old: Any, new: Any) -> tuple[Surface, Surface]:
    """Return two versions whose function answers with JSON of these schemas."""
    was, now = ({"gain.read": one} if one is not None else {} for one in (old, new))
    return _with(outputs=was), _with(outputs=now)


OUTPUTS: Final = (
    # DESIGN §8: output schema, property added → minor, guarantee loosened → major
    Row(
        "output property added",
        *_answers(OBJECT, {**OBJECT, "properties": {**OBJECT["properties"], "m": {"type": "string"}}}),
        ("output-extended",),
    ),
    Row("output guarantee loosened", *_answers(OBJECT, {**OBJECT, "required": []}), ("output-loosened",)),
    Row("output guarantee tightened", *back(_answers(OBJECT, {**OBJECT, "required": []})), ("output-tightened",)),
    Row("output described", *_answers(None, OBJECT), ("output-added",)),
    Row("output no longer described", *_answers(OBJECT, None), ("output-removed",)),
    Row("output's title changed", *_answers(OBJECT, {**OBJECT, "title": "counts"}), ("output-reworded",)),
    Row(
        "output in ways that cannot be compared",
        *_answers({"not": {"minimum": 3}}, {"not": {"minimum": 4}}),
        ("output-undecided",),
    ),
)
STATES: Final = (
    # DESIGN §8: state field added, widened, renamed; state field removed; state meaning changed
    Row(
        "state field added",
        *_state(FIELDS, record("a: i32 @0", "b: i32 @4", "c: i32 @8", size=12)),
        ("state-field-added", "state-layout-changed"),
    ),
    Row(
        "state field widened",
        *_state(FIELDS, record("a: i32 @0", "b: i64 @8", size=16, align=8)),
        ("state-field-moved", "state-field-retyped", "state-layout-changed", "state-layout-changed"),
    ),
    Row("state field renamed", *_state(FIELDS, record("a: i32 @0", "c: i32 @4", size=8)), ("state-field-renamed",)),
    Row(
        "state field removed",
        *_state(FIELDS, record("a: i32 @0", size=4)),
        ("state-field-removed", "state-layout-changed"),
    ),
    Row("state meaning changed", *_state(FIELDS, FIELDS, schema=2, layout_id=7), ("state-schema-changed",)),
    Row("state layout of another number", *_state(FIELDS, FIELDS), ("state-layout-changed",)),
    Row("state added", _with(), _with(state=STATE), ("state-added",)),
    Row("state dropped", _with(state=STATE), _with(state=StateFacts()), ("state-dropped",)),
    Row("state as before", *_state(FIELDS, FIELDS, layout_id=7), ()),
    Row("state is no longer saved", *_state(FIELDS, FIELDS, layout_id=7, can_save=False), ("state-way-dropped",)),
    Row(
        "state is handed over from now on",
        *back(_state(FIELDS, FIELDS, layout_id=7, can_hand_over=False)),
        ("state-way-added",),
    ),
)
