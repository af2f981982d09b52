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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hotgraft.host.around import Around
    from hotgraft.host.attempt import Attempt

__all__ = ["prove"]


def prove(swaps: Sequence[Attempt], around: Around) -> None:
    """Look at what was published of each, providers first; what one of them is found unfit for, all are taken back for.

    What was on probation until now is on its way out, whatever comes of that.

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
        _take_back(swaps, findings, around)
    for one in swaps:
        if around.options.probation != OFF:
            one.record.is_on_probation = True
            around.begin_probation(one.loaded)
        else:
            with one.watch("commit"):
                commit(one.loaded, folder=around.place.folder)


def _take_back(swaps: Sequence[Attempt], findings: Mapping[str, tuple[str, ...]], around: Around) -> None:
    """Let the generations serve again that served before.

    Raises:
        HealthError: they do. RollbackBlocked: they cannot.
    """
    unfit = [one for one in swaps if one.name in findings]
    images = [(one, quarantined(one.loaded, "; ".join(findings[one.name]))) for one in unfit]
    for one in swaps:
        one.outcome = Outcome.BLOCKED
    for one in reversed(swaps):
        rollback = Rollback(
            loaded=one.loaded,
            why="; ".join(findings.get(one.name, findings[unfit[0].name])),
            deadline_s=one.swap_deadline_s,
            options=around.options,
            watch=one.watch,
            after_publish=around.after_publish,
        )
        report = rollback.carry_out()
        one.outcome = Outcome.ROLLED_BACK
        one.lost_calls = report.lost_calls if report.is_lossy else None
        one.why_lossy = report.why_lossy
    for one, image in images:
        around.quarantine.add(one.name, image)
        note_quarantine(one.record.recorder, one.name, image, one.record.asked)
    raise HealthError(f"keep generation {unfit[0].number}", on=unfit[0].name, found=findings[unfit[0].name])
