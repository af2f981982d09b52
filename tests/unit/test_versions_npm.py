"""Properties of core/semver.py and core/versions.py against another reading of the same rules, `semantic_version`.

Its NpmSpec is not npm. Where it deviates from what npm documents, `DEVIATIONS` says how and for which pairs, and an
example of each must still deviate, so that a deviation that its authors mend leaves this list.
"""

from __future__ import annotations

import itertools
import operator
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from hotgraft.core.versions import Range, Version
from hypothesis import given
from hypothesis import strategies as some
from semantic_version import NpmSpec  # type: ignore[import-untyped] # it carries no types
from semantic_version import Version as TheirVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LABELS: Final = ("0", "1", "10", "rc", "rc.1", "rc.2.x", "beta", "-", "0-0", "B")
SMALL: Final = some.sampled_from(("0", "1", "2", "3", "10"))
CORE: Final = some.tuples(SMALL, SMALL, SMALL).map(".".join)
PRERELEASE: Final = some.one_of(some.just(""), some.sampled_from(LABELS).map("-{}".format))
BUILD: Final = some.sampled_from(("", "", "", "+b.1", "+x"))
VERSION: Final = some.tuples(CORE, PRERELEASE, BUILD).map("".join)
VERSIONS: Final = some.lists(VERSION, min_size=25, max_size=25)
ANY_TEXT: Final = some.sampled_from(("x", "X", "*"))
PARTIAL: Final = some.one_of(
    ANY_TEXT,
    SMALL,
    some.tuples(SMALL, some.one_of(SMALL, ANY_TEXT)).map(".".join),
    some.tuples(SMALL, SMALL, ANY_TEXT).map(".".join),
)
HOLDS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


def _comparators(version: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    written = some.tuples(some.sampled_from(("", "^", "~", ">=", "<=", ">", "<", "=")), version).map("".join)
    # NpmSpec refuses what has no version at all ("<*"); that is in WRITTEN_OTHERWISE.
    return written.filter(
        lambda text: not (text[0] in "^~<>" and text[-1] in "xX*" and not any(map(str.isdigit, text)))
    )


def _alternatives(version: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    hyphen = some.tuples(version, version).filter(lambda ends: ends[1][0] not in "xX*").map(" - ".join)
    return some.one_of(hyphen, some.lists(_comparators(version), max_size=3).map(" ".join))


RANGE: Final = some.lists(_alternatives(some.one_of(PARTIAL, VERSION)), min_size=1, max_size=3).map("||".join)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A way in which NpmSpec answers otherwise than npm documents, and an example of it."""

    why: str
    covers: Callable[[str, str], bool]  # an alternative, a version
    example: tuple[str, str, bool]  # range, version, what npm documents


def _names_prerelease(alternative: str) -> bool:
    return any("-" in word and word != "-" for word in alternative.split(" "))


def _core_of(text: str) -> str:
    return text.lstrip("<=").split("+")[0].split("-")[0]


DEVIATIONS: Final = (
    Deviation(
        "cuts the pre-release off as well, so the release and its other pre-releases are judged by the release",
        lambda alternative, version: (
            alternative[:1] in tuple("=<" + string.digits) and _core_of(alternative) == _core_of(version)
        ),
        ("=1.2.3-rc", "1.2.3", False),
    ),
    Deviation(
        "lets in pre-releases of the end of a range that names none of them",
        lambda alternative, version: (
            alternative.startswith("<") and "-" in version and not _names_prerelease(alternative)
        ),
        ("<3", "3.0.0-rc", False),
    ),
    Deviation(
        "takes the release for the next minor of its pre-releases",
        lambda alternative, _: alternative.startswith("~") and ".0-" in alternative,
        ("~1.2.0-rc", "1.2.4", True),
    ),
    Deviation(
        "judges the comparators that name a pre-release apart from those that do not, so not all of them must hold",
        lambda alternative, _: " " in alternative and _names_prerelease(alternative),
        (">1.2.3-rc <1.0.0", "1.2.3-rc.1", False),
    ),
    Deviation(
        "compares build metadata, which has no rank",
        lambda alternative, _: "+" in alternative,
        ("=1.2.3+b.1", "1.2.3", True),
    ),
)

# Syntax on which both differ: range, whether ours reads it, why.
WRITTEN_OTHERWISE: Final = (
    ("<*", True, "npm's grammar has an x after any operator; below all versions there is none"),
    ("^x", True, "as above; compatible with anything is anything"),
    (">= 1.2", True, "npm lets spaces stand behind an operator"),
    ("1.2  1.x", True, "npm separates comparators by any number of spaces"),
    (">=1.2,<2", True, "ours: commas separate as spaces do"),
    ("v1.2", False, "npm's grammar of ranges has no v; we write versions without"),
    ("1.x.3", False, "a number after an x says nothing"),
)


@given(VERSIONS)
def test_versions_are_ordered_as_by_semantic_version(texts: list[str]) -> None:
    """A downgrade is told by this order alone."""
    for one, other in itertools.pairwise(texts):
        ours, theirs = (Version.parse(one), Version.parse(other)), (TheirVersion(one), TheirVersion(other))
        assert (ours[0] < ours[1], ours[0] > ours[1]) == (theirs[0] < theirs[1], theirs[0] > theirs[1]), (one, other)


@given(RANGE, VERSIONS)
def test_a_range_allows_what_npm_spec_allows_but_for_named_deviations(text: str, versions: list[str]) -> None:
    """Two readings of one grammar by different hands: what only one of them has is an error, or has a name here."""
    ours, theirs = Range.parse(text), NpmSpec(text)
    for version in versions:
        if ours.allows(Version.parse(version)) is not theirs.match(TheirVersion(version)):
            covered = [
                one.why for one in DEVIATIONS for part in text.split("||") if one.covers(part, version.split("+")[0])
            ]
            assert covered, f"{version} in {text!r}: ours {ours.allows(Version.parse(version))}"


@given(some.lists(some.tuples(some.sampled_from(tuple(HOLDS)), VERSION), min_size=1, max_size=4), VERSIONS)
def test_primitive_comparators_must_all_hold_and_one_names_the_prerelease(
    written: list[tuple[str, str]], versions: list[str]
) -> None:
    """The two sentences of npm's documentation, word by word, where NpmSpec deviates from them."""
    ours = Range.parse(" ".join(map("".join, written)))
    bounds = [(HOLDS[sign], TheirVersion(end)) for sign, end in written]
    for text in versions:
        version = TheirVersion(text)
        documented = all(holds(version, end) for holds, end in bounds) and (
            not version.prerelease or any(end.prerelease and end.truncate() == version.truncate() for _, end in bounds)
        )
        assert ours.allows(Version.parse(text)) is documented, (text, written)


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: one.example[0])
def test_a_named_deviation_of_npm_spec_is_still_one(deviation: Deviation) -> None:
    """A list of exceptions that only grows would hide errors of ours."""
    text, version, documented = deviation.example

    assert Range.parse(text).allows(Version.parse(version)) is documented
    assert NpmSpec(text).match(TheirVersion(version)) is not documented
    assert deviation.covers(text, version)


@pytest.mark.parametrize(("text", "is_read"), [row[:2] for row in WRITTEN_OTHERWISE])
def test_what_only_one_of_both_reads_is_named(text: str, is_read: bool) -> None:
    """The properties above leave these out, so each stands here with its reason."""
    readers = (Range.parse, NpmSpec) if is_read else (NpmSpec, Range.parse)

    readers[0](text)
    with pytest.raises((ValueError, AssertionError)):
        readers[1](text)
