"""What a plugin declares beside its functions: requirements, features, permissions, schemas, the ABI that it needs."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.contract_facts import Fact
from hotgraft.core.versions import Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hotgraft.core.contract import Consumer
    from hotgraft.core.surface import Requirement, Surface

__all__ = ["promise_facts"]

_NUMBERS: Final = re.compile(r"(\d+)(?:\.(\d+))?")
_LAST: Final = 0xFFFF  # of major and minor


def promise_facts(old: Surface, new: Surface, consumers: Iterable[Consumer] = ()) -> Iterator[Fact]:
    """Yield every difference between what two versions declare, state apart."""
    if old.abi != new.abi and old.abi is not None and new.abi is not None:
        kind = "abi-replaced" if old.abi[0] != new.abi[0] else "abi-raised" if old.abi < new.abi else "abi-lowered"
        before, after = (f"{one[0]}.{one[1]}" for one in (old.abi, new.abi))
        yield Fact(kind=kind, subject="plugin ABI", before=before, after=after)
    if old.requires != new.requires:
        yield from _requirements(old, new)
    yield from _features(old, new, tuple(consumers))
    for one in _beyond(new.permissions, old.permissions):
        yield Fact(kind="permission-added", subject=f"permission {one}", after=one)
    for one in _beyond(old.permissions, new.permissions):
        yield Fact(kind="permission-dropped", subject=f"permission {one}", before=one)
    if old.config_schema != new.config_schema:
        yield Fact(kind="config-schema-changed", subject="config schema")


def _beyond(one: Iterable[str], other: Iterable[str]) -> list[str]:
    known = set(other)
    return [name for name in dict.fromkeys(one) if name not in known]


def _features(old: Surface, new: Surface, consumers: tuple[Consumer, ...]) -> Iterator[Fact]:
    for one in _beyond(old.features, new.features):
        users = tuple(dict.fromkeys(consumer.plugin for consumer in consumers if one in consumer.uses))
        kind = "feature-dropped" if users or not consumers else "feature-dropped-unused"
        yield Fact(kind=kind, subject=f"feature {one}", before=one, consumers=users)
    for one in _beyond(new.features, old.features):
        yield Fact(kind="feature-added", subject=f"feature {one}", after=one)


def _requirements(old: Surface, new: Surface) -> Iterator[Fact]:
    before, after = ({one.interface: one for one in side.requires} for side in (old, new))
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was != now:
            kind = _kind_of_requirement(was, now)
            yield Fact(kind=kind, subject=f"requirement {name}", before=_text(was), after=_text(now))


def _kind_of_requirement(was: Requirement | None, now: Requirement | None) -> str:
    if now is None:
        return "requirement-loosened"
    if was is None:
        return "option-added" if now.is_optional else "requirement-added"
    if was.is_optional and not now.is_optional:
        return "requirement-tightened"
    if not _is_within(was.range, now.range):
        return "requirement-tightened"
    return (
        "requirement-reworded"
        if _is_within(now.range, was.range) and was.is_optional == now.is_optional
        else ("requirement-loosened")
    )


def _is_within(inner: str, outer: str) -> bool:
    """Tell whether every interface version that `inner` accepts is one that `outer` does.

    A range changes its answer only beside a version that stands in its text, so those are the ones to ask about.
    """
    if inner == outer:
        return True
    try:
        low, high = Range.parse(inner), Range.parse(outer)
    except ValueError:
        return False
    numbers = {(int(major), int(minor or 0)) for major, minor in _NUMBERS.findall(f"{inner} {outer}")}
    points = {(0, 0), (_LAST, _LAST)}
    for major, minor in numbers:
        majors, minors = (major - 1, major, major + 1), (0, 1, minor - 1, minor, minor + 1, _LAST)
        points |= {(one, two) for one, two in itertools.product(majors, minors) if min(one, two) >= 0}
    return all(high.allows_interface(point) for point in points if low.allows_interface(point))


def _text(requirement: Requirement | None) -> str:
    if requirement is None:
        return ""
    return requirement.range + (" (optional)" if requirement.is_optional else "")
