"""Declared versions against the facts: a step that promises more than was kept. A stricter one is always honest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.contract_facts import Claim
from hotgraft.core.contract_rules import Verdict
from hotgraft.core.state import Crossing, choose_crossing
from hotgraft.core.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hotgraft.core.contract_facts import Fact
    from hotgraft.core.surface import Surface

__all__ = ["interface_claims", "release_claims"]

# Facts of a declared step itself, or of somebody else's range: they say nothing of what was kept.
_NOT_KEPT = frozenset({"version-changed", "unstable-step", "range-unmet"})


def interface_claims(old: Surface, new: Surface, facts: Iterable[Fact]) -> Iterator[Claim]:
    """Yield each interface whose version steps less than what its callers meet.

    A lower version claims nothing: going back is decided elsewhere, and takes away what was added.
    """
    listed = [one for one in facts if one.kind not in _NOT_KEPT]
    before = {one.key: one.version for one in old.interfaces}
    for interface in new.interfaces:
        was, now = before.get(interface.key), interface.version
        if was is None or now is None or now < was:
            continue
        for verdict in (Verdict.MAJOR, Verdict.MINOR):
            met = tuple(one for one in listed if one.verdict is verdict and interface.key in one.interfaces)
            least = _least(was, verdict)
            if met and now < least:
                before_text, declared, least_text = (f"{one[0]}.{one[1]}" for one in (was, now, least))
                yield Claim(
                    subject=f"interface {interface.name}",
                    before=before_text,
                    declared=declared,
                    least=least_text,
                    facts=met,
                )
                break


def release_claims(old: Surface, new: Surface, facts: Iterable[Fact]) -> Iterator[Claim]:
    """Yield the plugin's own version, and its state's schema, where they step less than the facts.

    For a release only: while it is developed, one version is built many times. Neither a pre-release nor what comes
    before it promises anything (SemVer §9), and below 1.0.0 a minor step is a major one. A schema is of what the state
    means: fields that are converted by name keep theirs.
    """
    listed = [one for one in facts if one.kind != "range-unmet"]
    if claim := _of_version(old.version, new.version, listed):
        yield claim
    was, now = old.state, new.state
    if was is not None and now is not None and was.has_state and now.has_state and was.schema == now.schema:
        met = tuple(one for one in listed if one.kind.startswith(("state-field", "state-layout")))
        if met and choose_crossing(was, now).crossing is not Crossing.CONVERT:
            texts = (str(was.schema), str(now.schema), str(was.schema + 1))
            yield Claim(subject="state schema", before=texts[0], declared=texts[1], least=texts[2], facts=met)


def _of_version(before: str, declared: str, facts: list[Fact]) -> Claim | None:
    try:
        was, now = Version.parse(before), Version.parse(declared)
    except ValueError:
        return None  # it has none
    if was.prerelease or now < was:
        return None
    for verdict in (Verdict.MAJOR, Verdict.MINOR):
        met = tuple(one for one in facts if one.verdict is verdict)
        least = _least_version(was, verdict)
        if met and now.core < least:
            return Claim(subject="plugin", before=before, declared=declared, least=".".join(map(str, least)), facts=met)
    return None


def _least(was: tuple[int, int], verdict: Verdict) -> tuple[int, int]:
    """Return the lowest honest version of an interface after facts of this verdict."""
    is_major = verdict is Verdict.MAJOR and was[0] > 0
    return (was[0] + 1, 0) if is_major else (was[0], was[1] + 1)


def _least_version(was: Version, verdict: Verdict) -> tuple[int, int, int]:
    if was.major > 0:
        return (was.major + 1, 0, 0) if verdict is Verdict.MAJOR else (was.major, was.minor + 1, 0)
    return (0, was.minor + 1, 0) if verdict is Verdict.MAJOR else (0, was.minor, was.patch + 1)
