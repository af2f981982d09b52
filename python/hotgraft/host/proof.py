"""What one swap published is looked at at once, and stays, stays for a while, or is taken back: all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.errors import HealthError
from hotgraft.core.options import OFF
from hotgraft.host.commit import commit
from hotgraft.host.quarantine import note_quarantine, quarantined
from hotgraft.host.report import Outcome
from hotgraft.host.rollback import Rollback
from hotgraft.host.unit import on_probation_with
from hotgraft.host.unit_records import UnitRecords

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.host.around import Around
    from hotgraft.host.attempt import Attempt
    from hotgraft.host.loaded import Loaded

__all__ = ["prove"]


def prove(swaps: Sequence[Attempt], around: Around, loads: Sequence[Attempt] = ()) -> None:
    """Look at what was published of each, providers first; what one of them is found unfit for, all are taken back for.

    What was on probation until now is on its way out, whatever comes of that. `loads`: what was loaded for the first
    time with them.

    Raises:
        HealthError: all are as they were. RollbackBlocked: they cannot be.
    """
    for one in swaps:
        if one.superseded is not None:
            one.superseded.record.give_up()
            _core.retire(one.superseded.generation)
    findings: dict[str, tuple[str, ...]] = {}
    for one in swaps:
        with one.watch("quick health"):
            found = around.check_health(one.loaded)
        if found:
            findings[one.name] = found
    if findings:
        _take_back(swaps, loads, findings, around)
    for one in swaps:
        if around.options.probation != OFF:
            one.record.is_on_probation = True
            around.begin_probation(one.loaded)
        else:
            with one.watch("commit"):
                commit(one.loaded, folder=around.place.folder)


def _take_back(
    swaps: Sequence[Attempt], loads: Sequence[Attempt], findings: Mapping[str, tuple[str, ...]], around: Around
) -> None:
    """Let the generations serve again that served before.

    What was loaded with them leaves: before they go back where it only calls them, after it where they call it.

    Raises:
        HealthError: they do. RollbackBlocked: they cannot.
    """
    unfit = [one for one in swaps if one.name in findings]
    images = [(one, quarantined(one.loaded, "; ".join(findings[one.name]))) for one in unfit]
    for one in swaps:
        one.outcome = Outcome.BLOCKED
    first = unfit[0]
    rollback = Rollback(
        loaded=first.loaded,
        why="; ".join(findings[first.name]),
        deadline_s=first.swap_deadline_s,
        around=around,
        watches={one.name: one.watch for one in swaps},
        records=UnitRecords(
            recorder=first.record.recorder,
            asked=first.record.asked,
            of=first.name,
            but=tuple(one.name for one in swaps),
        ),
        bad=tuple(findings),
    )
    needed = _called_from(on_probation_with(first.loaded), loads)
    for one in reversed(loads):
        if one.name not in needed:
            one.take_out()
    back = rollback.carry_out()
    for one in reversed(loads):
        if one.name in needed:
            one.take_out()
    for one in swaps:
        report = back.members[one.name]
        one.outcome = Outcome.ROLLED_BACK
        one.lost_calls = report.lost_calls if report.is_lossy else None
        one.why_lossy = report.why_lossy
    for one, image in images:
        around.quarantine.add(one.name, image)
        note_quarantine(one.record.recorder, one.name, image, one.record.asked)
    raise HealthError(f"keep generation {first.number}", on=first.name, found=findings[first.name])


def _called_from(unit: Sequence[Loaded], loads: Sequence[Attempt]) -> set[str]:
    """Return which of the plugins that were loaded are called by those of the unit, directly or by each other."""
    calls = {one.name: {bound.provider for bound in one.loaded.imports.values()} for one in loads}
    found, todo = set[str](), [bound.provider for one in unit for bound in one.imports.values()]
    while todo:
        name = todo.pop()
        if name in calls and name not in found:
            found.add(name)
            todo += calls[name]
    return found
