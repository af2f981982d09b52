"""Versions that must not come together: a lower one than serves (C11), and a requirement that nobody meets (C10)."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import ContractError, Host, LoadError, Outcome
from hotgraft.core import plan as plan_module
from hotgraft.engine.journal_reading import history
from sample_plugins import CALLER_PLUGIN, STATELESS

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.host.wish import Wish
    from sample_plugins import Workshop

SERVES = replace(STATELESS, version="1.2.0")
LOWER = replace(STATELESS, version="1.1.9", build=2)
SAYS = "version 1.1.9 is lower than 1.2.0, which serves"


def test_a_lower_version_is_refused_before_any_of_it_runs(host: Host, build: Workshop) -> None:
    """Fault C11: a downgrade, or an old image played again, may bring back what was mended."""
    counter = host.load(build(SERVES))

    for reload in (partial(host.reload, "counter"), counter.reload):
        with pytest.raises(ContractError, match=SAYS) as caught:
            reload(str(build(LOWER)))

        report: Any = caught.value.report  # type: ignore[attr-defined] # as attempt.py
        assert report.outcome is Outcome.REFUSED
        assert report.steps[-1].step == "compare contract"  # neither probed nor mapped
        assert caught.value.running == "generation 1 still serves"
        assert "allow_downgrade=True" in caught.value.advice
    assert (counter.build(), counter.version) == (1, "1.2.0")


def test_a_downgrade_is_carried_out_where_it_is_asked_for(host: Host, build: Workshop) -> None:
    """Somebody may have a reason; then it is a swap like any other, and the plan says what it is."""
    counter = host.load(build(SERVES))

    report = host.reload("counter", build(LOWER), allow_downgrade=True)

    assert (counter.build(), counter.version, report.outcome) == (2, "1.1.9", Outcome.PUBLISHED)
    assert "version 1.2.0 → 1.1.9, a downgrade that was asked for" in str(report.plan)
    assert counter.reload(str(build(replace(LOWER, version="1.1.8"))), allow_downgrade=True).version == "1.1.8"


def test_a_dry_run_says_that_it_would_be_a_downgrade(host: Host, build: Workshop) -> None:
    """Who looks first is told before anything happens."""
    host.load(build(SERVES))

    assert f"refused: {SAYS}" in str(host.plan("counter", build(LOWER)))
    assert host.plan("counter", build(LOWER), allow_downgrade=True).refusals == ()


@pytest.mark.parametrize("before", ["held", "replaced", "in the journal"])
def test_going_back_is_no_downgrade(build: Workshop, tmp_path: Path, before: str) -> None:
    """A rollback is there to bring a lower version back; it must not have to be asked for twice."""
    on = {"probation": "on", "probation_s": 3600, "probation_max_s": 3600}
    options: dict[str, Any] = on if before == "held" else {}
    journal = str(tmp_path / "journal") if before == "in the journal" else ""
    with Host(journal=journal, probe="off", **options) as host:
        counter = host.load(build(LOWER))
        host.reload("counter", build(SERVES))
        if before == "in the journal":
            host._loaded("counter").previous = None

        host.rollback("counter")

        assert (counter.version, counter.build()) == ("1.1.9", 2)


def test_an_old_image_played_again_is_refused_and_on_record(build: Workshop, tmp_path: Path) -> None:
    """Fault C11: the journal knows what replaced it, and who reads it sees when it came again and was let in."""
    folder, old = tmp_path / "journal", build(LOWER)
    with Host(journal=folder, probe="off") as host:
        host.load(old)
        host.reload("counter", build(SERVES))
        with pytest.raises(ContractError, match=SAYS):
            host.reload("counter", old)
        host.reload("counter", old, allow_downgrade=True, reason="the customer insists")

    ends = [one.end for one in history(folder) if one.end is not None]
    assert [one.outcome for one in ends] == ["published", "published", "refused", "published"]
    assert SAYS in ends[2].error
    assert [json.loads(one.facts).get("downgrade_from") for one in ends] == [None, None, "1.2.0", "1.2.0"]


def test_another_build_of_a_version_is_no_downgrade(host: Host, build: Workshop) -> None:
    """An author builds one version a hundred times; build metadata has no rank (SemVer §10)."""
    counter = host.load(build(replace(SERVES, version="1.2.0+b")))

    host.reload("counter", build(replace(SERVES, version="1.2.0+a", build=2)))

    assert (counter.build(), counter.version) == (2, "1.2.0+a")


def test_who_asks_for_a_downgrade_is_not_answered_with_anothers_refusal(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal requests at one time are one; these two are not equal."""
    host.load(build(SERVES))
    wishes: list[Wish] = []
    monkeypatch.setattr(host._changes.__class__, "swap", lambda _, __, wish: wishes.append(wish))

    for allowed in (False, True):
        host.reload("counter", build(LOWER), allow_downgrade=allowed)

    assert wishes[0].key != wishes[1].key


@pytest.mark.control
def test_control_without_the_rule_an_old_image_serves(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else in the way of a reload looks at the version."""
    monkeypatch.setattr(plan_module, "_version_refusals", lambda *_: ())
    counter = host.load(build(SERVES))

    host.reload("counter", build(LOWER))

    assert counter.version == "1.1.9"


# --- requirements ---


def test_a_requirement_that_nobody_meets_is_refused_with_every_candidate(host: Host, build: Workshop) -> None:
    """Fault C10: missing, or in other versions only. Each place looked at is named, and what serves goes on."""
    host.load(build(replace(STATELESS, name="one")))
    caller = host.load(build(CALLER_PLUGIN))
    host.load(build(replace(STATELESS, name="two", interface_version=(2, 3))))

    with pytest.raises(LoadError) as caught:
        host.reload("caller", build(replace(CALLER_PLUGIN, requires=(("counter", "~1.4 || ^3"),))))

    assert caught.value.found == ("needs interface counter ~1.4 || ^3: one offers counter 1.0; two offers counter 2.3",)
    assert (caught.value.on, caught.value.running) == ("caller", "generation 1 still serves")
    assert caught.value.report.outcome is Outcome.REFUSED  # type: ignore[attr-defined] # as attempt.py
    assert caller.add_there(2) == 2


def test_every_requirement_that_is_not_met_is_named_at_once(host: Host, build: Workshop) -> None:
    """Fault C10: who loads what is missing learns of all of it, not of one after another."""
    host.load(build(replace(STATELESS, name="one")))
    needs = replace(CALLER_PLUGIN, requires=(("counter", ">=1.1 <2"), ("codec", "^1"), ("clock", "*")))

    with pytest.raises(LoadError) as caught:
        host.load(build(needs))

    assert caught.value.found == (
        "needs interface counter >=1.1 <2: one offers counter 1.0",
        "needs interface codec ^1: one does not offer it",
        "needs interface clock *: one does not offer it",
    )
    assert caught.value.running == "nothing of it is loaded"
