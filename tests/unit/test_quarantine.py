"""What was rolled back is not tried again: until it changes, or a person says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.start_limit import StartLimit
from hotgraft.engine.journal_asked import asked
from hotgraft.host.quarantine import Quarantine, QuarantinedImage, configs_key

if TYPE_CHECKING:
    from hotgraft.core.audit import AuditRecord

BAD = QuarantinedImage("a" * 64, "errors 0 of 900 → 90 of 900")
CONFIGS = {"main": "{}"}


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def quarantine(most: int = 3) -> Quarantine:
    """Return an empty one."""
    return Quarantine(StartLimit(most=most, within_s=100.0), Clock())


def test_an_image_that_was_rolled_back_is_refused_with_what_was_found() -> None:
    """The reason says what to mend; another image of the plugin, and the same for another plugin, may go."""
    it = quarantine()
    it.add("gain", BAD)
    assert it.refusals("gain", BAD.sha256, CONFIGS) == (f"the image aaaaaaaa was rolled back: {BAD.why}",)
    assert it.refusals("gain", "b" * 64, CONFIGS) == ()
    assert it.refusals("echo", BAD.sha256, CONFIGS) == ()
    assert it.images("gain") == (BAD,)


def test_an_image_that_served_well_with_other_configs_is_refused_with_these_only() -> None:
    """A config that made it fail is not the image's doing."""
    it = quarantine()
    it.add("gain", QuarantinedImage(BAD.sha256, BAD.why, configs_key(CONFIGS)))
    assert it.refusals("gain", BAD.sha256, CONFIGS) != ()
    assert it.refusals("gain", BAD.sha256, {"main": '{"volume": 1}'}) == ()


def test_a_plugin_that_is_rolled_back_too_often_gets_no_further_candidates() -> None:
    """Flapping ends by itself, and does not begin again by itself."""
    it = quarantine(most=1)
    assert it.add("gain", BAD) is False
    assert it.add("gain", QuarantinedImage("b" * 64, "slow")) is True
    assert it.refusals("gain", "c" * 64, CONFIGS) == ("2 rollbacks within 100 s, where 1 are allowed",)


def test_a_person_lets_everything_in_again() -> None:
    """Images and the limit; and is told whether that changed anything."""
    it = quarantine(most=0)
    it.add("gain", BAD)
    assert it.allow("gain") is True
    assert it.refusals("gain", BAD.sha256, CONFIGS) == ()
    assert it.allow("gain") is False


def test_what_is_on_record_is_taken_over_in_its_order() -> None:
    """A later host knows what an earlier one found out, and what a person said after that."""
    blank = asked("probation").record(wall_ns=0, monotonic_ns=0)

    def record(outcome: str, sha256: str = "") -> AuditRecord:
        return replace(blank, plugin="gain", step="quarantine", outcome=outcome, after_sha256=sha256, error="slow")

    it = quarantine()
    it.read([record("quarantined", "a" * 64), record("lifted"), record("quarantined", "b" * 64)])
    assert [one.sha256 for one in it.images("gain")] == ["b" * 64]
