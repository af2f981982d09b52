"""What was loaded with a set, and who was loaded beside it, when the set goes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import HealthError, Outcome, RollbackBlocked
from hotgraft.core.versions import Range
from hotgraft.engine.journal_reading import history
from sides_scene import Sides, make_host

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop


def test_what_was_loaded_with_a_set_that_is_unfit_is_not_loaded(build: Workshop, tmp_path: Path) -> None:
    """It needs what only the new provider has, and is gone before the old one serves again."""
    closed: list[str] = []
    with make_host(journal=str(tmp_path / "journal")) as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        host.on("plugin.closed", lambda event: closed.append(event.plugin))
        host.health("base")(lambda plugin: plugin.build() != 2)

        with pytest.raises(HealthError) as caught:
            host.reload_set({"base": sides.image("base", 2, more=True), "late": sides.late("top", 5, more=True)})

        assert "late" not in host
        assert closed == ["late"]
        assert sides.seen == (1, 1, 1001)
        report = caught.value.report  # type: ignore[attr-defined] # of a swap's errors
        assert (report.members["late"].outcome, report.members["late"].generation) == (Outcome.FAILED, 0)
        assert report.members["base"].outcome is Outcome.ROLLED_BACK
        late: Any = host.load(sides.image("top", 1), name="late")
        assert late.both() == 1001
    ended = [(one.first.plugin, one.end.outcome) for one in history(tmp_path / "journal") if one.end]
    assert ("base", "rolled back") in ended
    assert ("late", "failed") in ended


def test_what_was_loaded_for_one_that_is_unfit_leaves_after_that_has_gone_back(build: Workshop) -> None:
    """The new consumer calls it until then."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        host.health("top")(lambda plugin: plugin.both() != 2003)
        with pytest.raises(HealthError):
            host.reload_set({"top": sides.image("top", 2, more=True), "late": sides.late("base", 3, more=True)})
        assert "late" not in host
        assert sides.seen == (1, 1, 1001)


def test_what_was_loaded_with_a_set_and_needs_it_keeps_it_from_going_back_later(build: Workshop) -> None:
    """It is in use by then. It is named, and what is to be done: another build of it that needs no more."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        host.reload_set({"base": sides.image("base", 2, more=True), "late": sides.late("top", 5, more=True)})
        late: Any = host["late"]

        with pytest.raises(RollbackBlocked, match=r"late needs base \^1\.1, and base 1\.0\.0 has less") as caught:
            host.rollback("base")

        assert "late" in caught.value.advice
        assert (late.both(), sides.seen) == (5002, (2, 1, 1002))
        host.reload("late", sides.late("top", 6))
        assert host.rollback("base").outcome is Outcome.ROLLED_BACK
        assert late.both() == 6001
        with pytest.raises(RollbackBlocked, match=r"generation 1 needs base \^1\.1, and base 1\.0\.0 has less"):
            host.rollback("late")  # what it would go back to was bound to what is gone
        assert late.both() == 6001


def test_who_is_in_no_unit_and_needs_more_than_there_will_be_is_named(build: Workshop) -> None:
    """What was loaded with a set stays when the set goes back: it would call past the end of a table."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        sides.replace_both()
        late: Any = host.load(sides.image("top", 1), name="late")
        loaded = host._loaded("late")
        loaded.imports = {name: replace(one, accepts=Range.parse("^1.1")) for name, one in loaded.imports.items()}

        with pytest.raises(RollbackBlocked, match=r"late needs base \^1\.1, and base 1\.0\.0 has less"):
            host.rollback("top")

        assert sides.seen == (2, 2, 2002)
        assert late.both() == 1002
