"""An author edits the struct that the state is, and the running program keeps its data: forwards, and back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hotgraft import Host
from hotgraft.core.errors import ContractError, HotgraftError, StateError
from kept_plugins import kept_plugin

COUNTER = Path(__file__).parent.parent / "plugins_c" / "counter" / "v2"
Edited = Callable[..., Path]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Edited:
    """Build a counter whose state has these fields: ``edited("int64_t number;", state='dropped = [...]')``."""
    built: dict[tuple[str, ...], Path] = {}

    def build(fields: str, *, state: str = "", body: str = "", version: str = "1.1.0") -> Path:
        key = (fields, state, body, version)
        if key not in built:
            folder = tmp_path_factory.mktemp("counter")
            shutil.copytree(COUNTER, folder, dirs_exist_ok=True)
            _edit(folder / "counter_state.h", "    int64_t number;", f"    {fields}")
            _edit(folder / "plugin.toml", "[state]\n", f"[state]\n{state}\n")
            _edit(folder / "plugin.toml", '"1.1.0"', f'"{version}"')
            for old, new in [one.split(" → ") for one in body.splitlines()]:
                _edit(folder / "counter.c", old, new)
            built[key] = kept_plugin(folder, flags=("-O0", "-g0"))
        return built[key]

    return build


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path.name} holds no {old!r}"
    path.write_text(text.replace(old, new))


@pytest.fixture(params=["probed", "not probed"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(probe="start" if request.param == "probed" else "off", probation="on", probation_s=3600.0) as it:
        yield it


PLAIN = "int64_t number;"
MORE = "int32_t mix; double level; int64_t number;"
NARROW = "int32_t number; int32_t unused;"


def way(report: Any) -> str:
    return str(report.plan.crossing)


def test_a_field_that_is_added_costs_nothing_of_what_was_there(host: Host, edited: Edited) -> None:
    """The promise of hot editing: add a field, save, and the number counts on."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(41)

    report = host.reload("counter", edited(MORE))

    assert way(report) == "convert"
    assert counter.next() == 51
    assert any(step.step == "convert main" for step in report.steps)


def test_a_rollback_brings_back_what_was_gained_since(host: Host, edited: Edited) -> None:
    """Down is a direction like up: what both layouts know goes along."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(41)
    host.reload("counter", edited(MORE))
    counter.set(1000)

    report = host.rollback("counter")

    assert not report.is_lossy
    assert counter.value() == 1000


def test_a_rollback_whose_value_does_not_fit_brings_the_kept_block_back_and_says_lossy(
    host: Host, edited: Edited
) -> None:
    """Neither cut off nor mixed: the old block, as it was when it was replaced."""
    counter: Any = host.load(edited(NARROW))
    counter.set(41)
    assert way(host.reload("counter", edited(PLAIN, state='dropped = ["counter_state.unused"]'))) == "convert"
    counter.set(2**40)

    report = host.rollback("counter")

    assert report.is_lossy
    assert len(report.why_lossy) == 1 and f"number holds {2**40}" in report.why_lossy[0]
    assert f"it could not come along: {report.why_lossy[0]}" in str(report)
    assert counter.value() == 41


def test_a_rollback_says_which_values_had_been_given_up(host: Host, edited: Edited) -> None:
    """They are gone since the swap, by consent, and the older version begins with its default again: it is told so."""
    host.load(edited(NARROW))
    host.reload("counter", edited(PLAIN, state='dropped = ["counter_state.unused"]'))

    report = host.rollback("counter")

    assert (report.is_lossy, report.given_up) == (False, ("unused",))
    assert "begins with its default, its value was given up: unused" in str(report)


def test_a_value_that_does_not_fit_refuses_the_swap_by_field_and_value(host: Host, edited: Edited) -> None:
    """Narrowing is checked one by one: the old state is untouched, and callers never notice."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(2**40)

    with pytest.raises(StateError, match=r"number.*1099511627776") as refused:
        host.reload("counter", edited(NARROW))

    assert "generation 1 still serves" in str(refused.value)
    assert counter.next() == 2**40 + 10


def test_a_field_that_goes_needs_consent(host: Host, edited: Edited) -> None:
    """A lossy change without consent is refused, before any of the candidate's code runs."""
    counter: Any = host.load(edited(MORE))
    counter.set(5)

    with pytest.raises(StateError, match=r"there is no place for level: name it under .*dropped"):
        host.reload("counter", edited(PLAIN))
    assert counter.value() == 5

    dropped = 'dropped = ["counter_state.mix", "counter_state.level"]'
    assert way(host.reload("counter", edited(PLAIN, state=dropped))) == "convert"
    assert counter.value() == 5


def test_a_renamed_field_keeps_its_value_both_ways(host: Host, edited: Edited) -> None:
    """The manifest says what it was called before; the way back is read out of the same line."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(41)
    renamed = edited(
        "int64_t spare; int64_t total;",
        state='renamed_from = { "counter_state.total" = "number" }',
        body="state->number → state->total",
    )

    host.reload("counter", renamed)
    assert counter.next() == 51
    host.rollback("counter")
    assert counter.next() == 61


def test_a_new_field_begins_with_its_default(host: Host, edited: Edited) -> None:
    """Zero is not always what nothing means."""
    counter: Any = host.load(edited(PLAIN))
    defaulted = edited(
        "int64_t number; int64_t step;",
        state='defaults = { "counter_state.step" = 7 }',
        body="&counter->state->number, STEP, → &counter->state->number, counter->state->step,",
    )

    host.reload("counter", defaulted)

    assert counter.next() == 7


def test_a_default_that_is_no_value_of_its_field_is_refused_by_bind(edited: Edited) -> None:
    """An author is told at the build, not an operator at the swap."""
    with pytest.raises(HotgraftError, match=r"the default of counter_state.number: 'much' is no whole number"):
        edited(PLAIN, state='defaults = { "counter_state.number" = "much" }')


def test_a_candidate_that_converts_and_fails_leaves_the_old_state_bit_for_bit(host: Host, edited: Edited) -> None:
    """The conversion works on another block: undo gives the old one back unread by the candidate."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(41)
    refuses = edited(MORE, body="layout_id != HOTGRAFT_LAYOUT_ID || → layout_id == HOTGRAFT_LAYOUT_ID ||")

    with pytest.raises(HotgraftError, match="take"):
        host.reload("counter", refuses)

    assert counter.next() == 51
    assert not isinstance(host.reload("counter", edited(MORE)), ContractError)
    assert counter.next() == 61


def test_a_way_back_says_which_fields_it_leaves_behind(host: Host, edited: Edited) -> None:
    """Nobody gave them up: whoever goes back must read what it costs, before and after."""
    counter: Any = host.load(edited(PLAIN))
    counter.set(41)
    host.reload("counter", edited(MORE, version="1.2.0"))

    plan = host.plan("counter", edited(PLAIN), allow_downgrade=True)["counter"]
    assert plan.left_behind == ("mix", "level")
    assert "state, left behind: mix, level" in str(plan)
    report = host.rollback("counter")

    assert not report.is_lossy
    assert report.left_behind == ("mix", "level")
    assert report.as_dict()["left_behind"] == ["mix", "level"]
    assert "left behind, there is no place for it: mix, level" in str(report)
    host.reload("counter", edited(MORE, version="1.2.0"))
    down = host.reload("counter", edited(PLAIN), allow_downgrade=True)
    assert down.left_behind == ("mix", "level")
    assert counter.value() == 41


def test_a_dry_run_says_that_state_will_be_converted(host: Host, edited: Edited) -> None:
    """The plan is the same code as the swap."""
    host.load(edited(PLAIN))

    plan = host.plan("counter", edited(MORE))["counter"]

    assert "state: convert" in str(plan)
    assert "state, new: mix, level" in str(plan)
    assert plan.conversion is not None
    assert plan.conversion.plan.fresh == ("mix", "level")


def test_a_thousand_conversions_leave_no_byte_behind(edited: Edited, sized: Any) -> None:
    """Kept blocks go with what they were kept for."""
    with Host(probe="off") as host:
        counter: Any = host.load(edited(PLAIN))
        images = [edited(MORE), edited(PLAIN, state='dropped = ["counter_state.mix", "counter_state.level"]')]
        for turn in range(sized(quick=20, full=1000)):
            host.reload("counter", images[turn % 2])
            assert counter.next() == 10 * (turn + 1)
        generation = host._plugins["counter"].serving.generation
        assert generation.live_bytes <= 24  # its own block


def test_a_downgrade_that_nobody_asked_for_is_not_refused_for_what_it_would_leave_behind(
    host: Host, edited: Edited
) -> None:
    """Names under renamed_from or dropped are no help: it is let in when it is asked for, and says what is left."""
    host.load(edited(MORE, version="1.2.0"))
    with pytest.raises(HotgraftError) as caught:
        host.reload("counter", edited(PLAIN))
    assert len(caught.value.found) == 1 and "ask for the downgrade" in caught.value.found[0]
    assert "--allow-downgrade" in caught.value.advice
    assert host.reload("counter", edited(PLAIN), allow_downgrade=True).left_behind == ("mix", "level")
