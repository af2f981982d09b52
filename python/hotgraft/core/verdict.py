"""Whether a new generation stays: its window against the last one of the generation it replaced.

`judge` is a pure function of two windows and may be asked as often as one likes; every answer counts. It rolls back for
what is worse by enough to matter, *and* is no chance, *and* lasts:

- **Errors** are counted, all of them. The evidence for a rate above what the old generation's allows is a mixture of
  likelihood ratios (evidence.py), whose chance of ever being too large is bounded over all looks together. The readings
  with the most errors are left out of it: one burst is an incident, not a version.
- **Latencies** come from a machine, and what a machine does comes in bursts of seconds; no number of samples of one
  such burst says more than the burst. So the observation is a slice of a second. Noise only ever adds to a time,
  so what is compared are the calmer slices of either generation: *own time* (the 1st percentile of a slice: what a
  call costs when nobody disturbs it), the median, and the 99th percentile as a multiple of the median. The shift must
  exceed what the old generation did to itself over as long (subsampling), and, the earlier the look, the larger a
  shift it takes: the effect that counts falls as 1 / slices until `full_slices`, O'Brien and Fleming's boundary. That
  chance is measured, on recorded streams.
- **An author's own numbers** likewise, in both directions.
- **Health and crashes** are facts and need no statistics, but the old generation's own count against them.

Sources:
    Chen & Revels (2016), "Robust benchmarking in noisy environments": why low quantiles are the ones to compare.
    O'Brien & Fleming (1979), "A Multiple Testing Procedure for Clinical Trials". Lindon, Sanden & Shirikian (2022),
    "Rapid Regression Detection in Software Deployments through Sequential Testing". And those named in evidence.py.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.evidence import beyond, evidence_above, quantile, upper_rate
from hotgraft.core.probation import OWN_NUMBER, Criterion, Worse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hotgraft.core.evidence import Shift
    from hotgraft.core.probation import Rules, Yardstick
    from hotgraft.core.window import Slice, Window

__all__ = ["Breach", "Outcome", "Verdict", "judge"]


class Outcome(StrEnum):
    """What to do with the new generation."""

    GO_ON = "go on"  # its window is not complete, nothing is wrong
    PASS = "pass"  # commit
    BREACH = "breach"  # roll back


@dataclass(frozen=True, slots=True)
class Breach:
    """One reason to roll back: in words with numbers, and the two numbers."""

    criterion: Criterion
    words: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `judge` found; `notes` says what it could not judge, and why."""

    outcome: Outcome
    breaches: tuple[Breach, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Return every breach in one line; empty without one."""
        return "; ".join(breach.words for breach in self.breaches)


def judge(old: Window, new: Window, rules: Rules) -> Verdict:
    """Say whether the new generation goes on, has passed or is to be rolled back.

    Args:
        old: the last window of the generation it replaced; 10 s and more is meant, empty when there was none.
        new: everything since it was published.
        rules: what counts.
    """
    breaches = tuple(
        [*_crashes(old, new), *_health(old, new, rules), *_errors(old, new, rules), *_latencies(old, new, rules)]
        + [breach for name in new.own_names for breach in _own_number(name, old, new, rules)]
    )
    if breaches:
        return Verdict(Outcome.BREACH, breaches)
    is_over = new.duration_s >= rules.window_max_s
    # No longer than what is left out as a burst, a window would say nothing of errors.
    outlasts_bursts = sum(reading.calls > 0 for reading in new.readings) >= 2 * rules.burst_readings
    is_long = new.duration_s >= rules.window_s and new.calls >= rules.window_calls
    is_complete = is_over or (is_long and (outlasts_bursts or not new.calls))
    return Verdict(Outcome.PASS if is_complete else Outcome.GO_ON, (), tuple(_unjudged(old, new, rules)))


def _crashes(old: Window, new: Window) -> Iterator[Breach]:
    if new.crashes and new.crashes * max(old.calls, 1) > 2 * old.crashes * max(new.calls, 1):
        words = f"crashes {old.crashes} of {old.calls:,} → {new.crashes} of {new.calls:,}"
        yield Breach(Criterion.CRASH, words, old.crashes, new.crashes)


def _health(old: Window, new: Window, rules: Rules) -> Iterator[Breach]:
    """One failed check may be the check's; and what fails as often in both is not the new generation's doing."""
    is_worse = new.health_failures * max(old.health_checks, 1) > 2 * old.health_failures * max(new.health_checks, 1)
    if new.health_failures >= rules.health_failures and is_worse:
        words = (
            f"health failed {old.health_failures} of {old.health_checks} → {new.health_failures} of {new.health_checks}"
        )
        yield Breach(Criterion.HEALTH, words, old.health_failures, new.health_failures)


def _errors(old: Window, new: Window, rules: Rules) -> Iterator[Breach]:
    usual = upper_rate(old.errors, old.calls, rules.error_alpha / 2)
    allowed = max(usual + rules.error_rise, usual * rules.error_ratio)
    with_calls = sum(reading.calls > 0 for reading in new.readings)
    left_out = max(rules.burst_readings, math.ceil(rules.burst_share * with_calls))
    lasting = sum(sorted((reading.errors for reading in new.readings), reverse=True)[left_out:])
    evidence = evidence_above(lasting, new.calls, allowed)
    if evidence >= math.log(2 / rules.error_alpha):
        words = (
            f"errors {_share(old.errors, old.calls)} → {_share(new.errors, new.calls)}, {100 * allowed:.2f} % allowed"
        )
        yield Breach(Criterion.ERRORS, words, old.errors / max(old.calls, 1), new.errors / new.calls)


def _latencies(old: Window, new: Window, rules: Rules) -> Iterator[Breach]:
    was, now = old.whole_slices[-rules.old_slices_most :], new.whole_slices
    for index, yardstick in enumerate(rules.yardsticks):
        before, after = (_logs(slices, index, per_median=yardstick.per_median) for slices in (was, now))
        calm = partial(quantile, share=yardstick.calm)
        least, slack = math.log1p(yardstick.rise), math.log1p(yardstick.slack)
        shift = _lasting(before, after, calm, least, slack, yardstick, rules)
        if shift is not None:
            usual, slow = (math.exp(calm(_logs(slices, index))) for slices in (was, now[-rules.slices_most :]))
            words = f"{yardstick.criterion} {_time(usual)} → {_time(slow)}, {_shift(shift, yardstick)}"
            yield Breach(yardstick.criterion, words, usual, slow)


def _logs(slices: Sequence[Slice], index: int, *, per_median: bool = False) -> list[float]:
    """Return ln of a percentile, slice by slice: a shift is then a ratio, whatever a call costs."""
    known = [one.percentiles for one in slices if one.percentiles is not None]
    medians = [max(one[1], 1.0) if per_median else 1.0 for one in known]
    return [math.log(max(one[index], 1.0) / median) for one, median in zip(known, medians, strict=True)]


def _own_number(name: str, old: Window, new: Window, rules: Rules) -> Iterator[Breach]:
    rule, was = rules.own.get(name, rules.own_default), old.own(name)[-rules.old_slices_most :]
    before, after = [one.mean for one in was], [one.mean for one in new.own(name)]
    if not before:
        return
    spread = quantile([math.sqrt(one.variance) for one in was], 0.5)
    unit = max(abs(quantile(before, 0.5)), spread)
    for sign in {Worse.UP: (1,), Worse.DOWN: (-1,), Worse.BOTH: (1, -1)}[rule.worse]:
        signed = ([sign * one for one in before], [sign * one for one in after])
        middle = partial(quantile, share=0.5)
        shift = _lasting(*signed, middle, rule.rise * unit, OWN_NUMBER.slack * unit, OWN_NUMBER, rules)
        if shift is not None:
            usual, worst, now = sign * shift.before, sign * shift.worst, sign * shift.after
            yield Breach(
                Criterion.OWN_NUMBER, f"{name} {usual:.4g} → {now:.4g}, at most {worst:.4g} before", usual, now
            )


def _lasting(
    before: Sequence[float],
    after: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    least: float,
    slack: float,
    yardstick: Yardstick,
    rules: Rules,
) -> Shift | None:
    """Return the shift at the last look, if there was one at each of the last looks; there is one look to a slice."""
    if len(before) < rules.old_slices_least:
        return None
    shifts: list[Shift] = []
    for length in range(len(after), len(after) - yardstick.persists, -1):
        seen = after[max(0, length - rules.slices_most) : max(0, length)]
        if len(seen) < rules.slices_least:
            return None
        needed = least * max(1.0, yardstick.full_slices / len(seen))
        shift = beyond(before, seen, statistic, needed, slack)
        if shift is None:
            return None
        shifts.append(shift)
    return shifts[0]


def _unjudged(old: Window, new: Window, rules: Rules) -> Iterator[str]:
    """Say what the verdict does not rest on."""
    if not old.calls:
        yield "errors are not compared: the old generation's window has no calls"
    slices = (len(old.whole_slices), len(new.whole_slices))
    if slices[0] < rules.old_slices_least or slices[1] < rules.slices_least:
        found = f"{slices[0]} slices of the old generation and {slices[1]} of the new"
        yield f"latencies are not compared: {found}, {rules.old_slices_least} and {rules.slices_least} are needed"
    timed = new.pushed_off + sum(one.latency.total for one in new.slices)
    if new.pushed_off > timed / 2:
        yield f"of {timed:,} timed calls {new.pushed_off:,} were pushed off their processor and are not compared"
    for name in new.own_names:
        if len(old.own(name)) < rules.old_slices_least:
            yield f"{name} is not compared: the old generation reported it in {len(old.own(name))} readings"
    if new.duration_s >= rules.window_max_s and new.calls < rules.window_calls:
        yield f"only {new.calls:,} of {rules.window_calls:,} calls came in {new.duration_s:.0f} s"


def _shift(shift: Shift, yardstick: Yardstick) -> str:
    before, after, worst = (math.exp(one) for one in (shift.before, shift.after, shift.worst))
    if yardstick.per_median:
        return f"{before:.1f} → {after:.1f} times the median, at most {worst:.1f} before"
    return f"{100 * (after / before - 1):+.0f} %, at most {100 * (worst / before - 1):+.0f} % before"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({100 * part / whole:.2f} %)" if whole else f"{part:,} of 0"


def _time(ns: float) -> str:
    """Return a duration as people say it, to three digits."""
    for unit, factor in (("ns", 1.0), ("µs", 1e3), ("ms", 1e6)):
        if ns < 999.5 * factor:
            return f"{ns / factor:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"
