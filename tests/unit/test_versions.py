"""Tests core/semver.py and core/versions.py: SemVer's own order, and every operator of a range at both of its ends."""

from __future__ import annotations

import contextlib
import itertools
import re

import pytest
from hotgraft.core.versions import Range, Version, is_major_step, parse_interface_version

# SemVer 2.0.0 §11, in its order, with 0.x and numbers of more than one digit around it.
ORDERED = (
    *("0.0.1", "0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta"),
    *("1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "10.0.0"),
)

NOT_VERSIONS = (
    "",
    "1",
    "1.2",
    "1.2.3.4",
    "01.2.3",
    "1.02.3",
    "1.2.3-",
    "1.2.3-01",
    "1.2.3+",
    "v1.2.3",
    "1.2.3 ",
    "1.2.3\n",
    "-1.0.0",
    "1.2.x",
    "1.2.3-a..b",
    "1.2.3-ä",
    "\u0661.\u0662.\u0663",
    "1" * 300 + ".0.0",
    "1.0.0+" + "a" * 300,
)

# range, what fits, what does not
RANGES = (
    ("^1.2.3", "1.2.3 1.2.4 1.99.0", "1.2.2 2.0.0 2.0.0-alpha 0.9.9 1.2.3-rc.1 1.3.0-rc.1"),
    ("^1.2", "1.2.0 1.9.9", "1.1.9 2.0.0"),
    ("^1", "1.0.0 1.9.9", "0.9.9 2.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
    ("^0.2", "0.2.0 0.2.9", "0.3.0 0.1.9"),
    ("^0.0.3", "0.0.3", "0.0.4 0.0.2"),
    ("^0.0", "0.0.0 0.0.9", "0.1.0"),
    ("^0", "0.0.0 0.9.9", "1.0.0"),
    ("^1.2.3-rc.1", "1.2.3-rc.1 1.2.3-rc.2 1.2.3 1.3.0", "1.2.3-beta 1.2.4-rc.1 2.0.0-rc.1"),
    ("~1.2.3", "1.2.3 1.2.9", "1.3.0 1.2.2"),
    ("~1.2", "1.2.0 1.2.9", "1.3.0 1.1.9"),
    ("~1", "1.0.0 1.9.0", "2.0.0 0.9.0"),
    (">=1.2.3", "1.2.3 9.0.0", "1.2.2 2.0.0-rc.1"),
    (">=1.2", "1.2.0", "1.1.9"),
    (">1.2.3", "1.2.4", "1.2.3 1.2.4-rc.1"),
    (">1.2", "1.3.0", "1.2.9"),
    (">1", "2.0.0", "1.9.9"),
    ("<=1.2.3", "1.2.3 0.1.0", "1.2.4"),
    ("<=1.2", "1.2.9", "1.3.0"),
    ("<1.2.3", "1.2.2", "1.2.3 1.2.3-rc.1"),
    ("<1.2", "1.1.9", "1.2.0"),
    ("=1.2.3", "1.2.3 1.2.3+build.5", "1.2.4 1.2.2"),
    ("1.2.3", "1.2.3", "1.2.4"),
    ("1.2", "1.2.0 1.2.9", "1.3.0"),
    ("1", "1.0.0 1.9.9", "2.0.0"),
    ("=1.0.0-rc.1", "1.0.0-rc.1", "1.0.0-rc.2 1.0.0 1.0.0-rc.1.0"),
    (">1.2.3 <=1.2.4-rc.1", "1.2.4-rc.0 1.2.4-rc.1", "1.2.3 1.2.4-rc.2 1.2.4"),
    (">=1.2,<3", "1.2.0 2.9.9", "3.0.0 1.1.0"),
    (">=1.2 <3", "1.2.0 2.9.9", "3.0.0"),
    (">= 1.2, < 3", "1.2.0", "3.0.0"),
    ("^1.2 || ^3", "1.2.0 3.5.0", "2.0.0 4.0.0"),
    ("^1||^2||=4.0.0", "1.0.0 2.0.0 4.0.0", "3.0.0 4.0.1"),
    ("", "0.0.0 1.2.3 99.0.0", "1.0.0-rc.1"),
    ("*", "0.0.0 1.2.3 99.0.0", "1.0.0-rc.1"),
    ("=1.x", "1.0.0 1.9.9", "2.0.0 0.9.9"),
    ("^1.x,1.2.*", "1.2.0 1.2.9", "1.3.0 2.0.0"),
    ("~0.X", "0.0.0 0.9.9", "1.0.0"),
    (">=1.2.x", "1.2.0 3.0.0", "1.1.9"),
    ("<=1.x", "0.0.0 1.9.9", "2.0.0 2.0.0-rc.1"),
    ("<1.2.*", "1.1.9", "1.2.0 1.2.0-rc.1"),
    (">1.x", "2.0.0", "1.9.9 2.0.0-rc.1"),
    ("x.x.x", "0.0.0 9.9.9", "1.0.0-rc.1"),
    (">*", "", "0.0.0 0.0.0-0 9.9.9"),
    ("<X", "", "0.0.0 0.0.0-0 9.9.9"),
    ("<=* ^x >=x", "0.0.0 9.9.9", "1.0.0-rc.1"),
    ("1.2 - 2.3", "1.2.0 2.3.9", "1.1.9 2.4.0 2.4.0-rc.1"),
    ("1.2.3 - x", "1.2.3 9.9.9", "1.2.2"),
    ("  1  -  2  ||  =4.0.0  ", "1.0.0 2.9.9 4.0.0", "3.0.0 0.9.9"),
    ("1.2.3-rc.1 - 2.0.0-rc.2", "1.2.3-rc.1 1.5.0 2.0.0-rc.2", "1.2.3-beta 2.0.0-rc.3 2.0.0 1.5.0-rc.1"),
    (">=2.0.0-alpha <2", "", "2.0.0-alpha 2.0.0-beta 1.9.9 2.0.0"),
    ("^1 ||", "0.1.0 1.0.0 3.0.0", "1.0.0-rc.1"),
    (">=1.2.3+build.5", "1.2.3 1.2.3+other", "1.2.2"),
    ("1.2.3-rc.1+build.5", "1.2.3-rc.1 1.2.3-rc.1+other", "1.2.3 1.2.3-rc.2"),
)

# As npm's documentation writes them: a range, and the comparators that it stands for.
NPM_DOCUMENTS = (
    *(("1.2.3 - 2.3.4", ">=1.2.3 <=2.3.4"), ("1.2 - 2.3.4", ">=1.2.0 <=2.3.4"), ("1.2.3 - 2.3", ">=1.2.3 <2.4.0-0")),
    *(("1.2.3 - 2", ">=1.2.3 <3.0.0-0"), ("*", ">=0.0.0"), ("1.x", ">=1.0.0 <2.0.0-0"), ("1.2.x", ">=1.2.0 <1.3.0-0")),
    *(("", ">=0.0.0"), ("1", ">=1.0.0 <2.0.0-0"), ("1.2", ">=1.2.0 <1.3.0-0"), ("~1.2.3", ">=1.2.3 <1.3.0-0")),
    *(("~1.2", ">=1.2.0 <1.3.0-0"), ("~1", ">=1.0.0 <2.0.0-0"), ("~0.2.3", ">=0.2.3 <0.3.0-0")),
    *(("~0.2", ">=0.2.0 <0.3.0-0"), ("~0", ">=0.0.0 <1.0.0-0"), ("~1.2.3-beta.2", ">=1.2.3-beta.2 <1.3.0-0")),
    *(("^1.2.3", ">=1.2.3 <2.0.0-0"), ("^0.2.3", ">=0.2.3 <0.3.0-0"), ("^0.0.3", ">=0.0.3 <0.0.4-0")),
    *(("^1.2.3-beta.2", ">=1.2.3-beta.2 <2.0.0-0"), ("^0.0.3-beta", ">=0.0.3-beta <0.0.4-0")),
    *(("^1.2.x", ">=1.2.0 <2.0.0-0"), ("^0.0.x", ">=0.0.0 <0.1.0-0"), ("^0.0", ">=0.0.0 <0.1.0-0")),
    *(("^1.x", ">=1.0.0 <2.0.0-0"), ("^0.x", ">=0.0.0 <1.0.0-0")),
)

# The same pages' own words on what a range matches and what it does not.
NPM_SAYS = (
    (">=1.2.7", "1.2.7 1.2.8 2.5.3 1.3.9", "1.2.6 1.1.0"),
    (">=1.2.7 <1.3.0", "1.2.7 1.2.8 1.2.99", "1.2.6 1.3.0 1.1.0"),
    ("1.2.7 || >=1.2.9 <2.0.0", "1.2.7 1.2.9 1.4.6", "1.2.8 2.0.0"),
    (">1.2.3-alpha.3", "1.2.3-alpha.7 3.4.5", "3.4.5-alpha.9"),
    ("~1.2.3-beta.2", "1.2.3-beta.4", "1.2.4-beta.2"),
    ("^1.2.3-beta.2", "1.2.3-beta.4", "1.2.4-beta.2"),
    ("^0.0.3-beta", "0.0.3-pr.2", "0.0.4-pr.2"),
    ("1.2 <1.2.9 || >2.0.0", "1.2.8 2.0.1", "1.2.10"),
    ("1.x || >=2.5.0 || 5.0.0 - 7.2.3", "1.2.3 2.5.0 7.2.3", "2.4.9"),
)

# In which every end of every range above lies, with a pre-release on both sides of it.
AROUND = tuple(
    f"{major}.{minor}.{patch}{label}"
    for major, minor, patch in itertools.product((0, 1, 2, 3), (0, 1, 2, 3, 4), (0, 2, 3, 4, 9))
    for label in ("-0", "-beta.2", "-beta.10", "-pr.2", "")
)

# range, the part of it that is wrong
NOT_RANGES = (
    ("^", "^"),
    ("1.2.3.4", "1.2.3.4"),
    (">=1 || 1.2.3.4 || ^1", "1.2.3.4"),
    ("^1,", ","),
    (",^1", ","),
    ("1,,2", ","),
    ("^1 - 2", "^1"),
    ("1 - 2 <2", "2 <2"),
    ("1 - 2 - 3", "1 - 2 - 3"),
    ("1 -2", "-2"),
    ("1- 2", "1-"),
    ("- 2", "-"),
    ("==1", "==1"),
    ("=>1", "=>1"),
    ("> =1", ">"),
    ("^^1", "^^1"),
    ("^1a", "^1a"),
    ("v1.2", "v1.2"),
    ("~>1.2", "~>1.2"),
    ("latest", "latest"),
    ("1 | 2", "|"),
    ("1.x.3", "1.x.3"),
    ("^x.1", "^x.1"),
    ("1.2.x-rc", "1.2.x-rc"),
    ("^1.2-rc", "^1.2-rc"),
    ("^01", "^01"),
    ("1.2.3-01", "01"),
    ("1.2.3-", "1.2.3-"),
    ("1.2.3-a..b", "1.2.3-a..b"),
    ("1.9999999999999999999", "1.9999999999999999999"),
    ("^1\n", "^1\n"),
    ("\u0661", "\u0661"),
    ("1\0", "1\0"),
)

# What makes a careless expression try for ever.
HOSTILE = (
    "1" * 256,
    "^" * 256,
    " " * 256,
    "1-" * 128,
    "1.2.3-" + "a." * 125,
    "1 - " * 64,
    "|" * 256,
    "1.2.3-a-" + "-" * 248,
)


def test_versions_order_as_semver_says() -> None:
    """A rollback is told from an upgrade by this order alone."""
    versions = [Version.parse(text) for text in ORDERED]

    for (i, a), (j, b) in itertools.product(enumerate(versions), repeat=2):
        assert (a < b, a > b, a == b) == (i < j, i > j, i == j), f"{a} {b}"


def test_build_metadata_has_no_rank() -> None:
    """Two builds of one version are neither newer nor older (SemVer §10), yet not the same value."""
    a, b = Version.parse("1.0.0+one"), Version.parse("1.0.0+two")

    for one, other in ((a, b), (b, a), (a, Version.parse("1.0.0"))):
        assert (one < other, one > other, one <= other, one >= other) == (False, False, True, True)
    assert a != b
    assert len({a, b, Version.parse("1.0.0+one")}) == 2


@pytest.mark.parametrize("text", [*ORDERED, "1.2.3+x.y", "1.2.3-a-b.0+001", "999999999999999999.0.0"])
def test_a_version_is_written_as_it_was_read(text: str) -> None:
    """The text goes into the descriptor; it must not drift."""
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize("text", NOT_VERSIONS)
def test_what_is_no_version_is_refused(text: str) -> None:
    """A lenient reader would let two readings of one version meet."""
    with pytest.raises(ValueError):
        Version.parse(text)


@pytest.mark.parametrize(("text", "inside", "outside"), RANGES)
def test_a_range_allows_exactly_its_interval(text: str, inside: str, outside: str) -> None:
    """An end that is off by one binds a consumer to a provider it cannot call, or refuses a good one."""
    wanted = Range.parse(text)

    assert [v for v in inside.split() if not wanted.allows(Version.parse(v))] == []
    assert [v for v in outside.split() if wanted.allows(Version.parse(v))] == []


@pytest.mark.parametrize(("text", "means"), NPM_DOCUMENTS)
def test_a_range_means_what_npm_documents(text: str, means: str) -> None:
    """Authors know these ranges from there; one that means something else here misleads them."""
    wanted, documented = Range.parse(text), Range.parse(means)

    assert [v for v in AROUND if wanted.allows(Version.parse(v)) is not documented.allows(Version.parse(v))] == []


@pytest.mark.parametrize(("text", "inside", "outside"), NPM_SAYS)
def test_a_range_allows_what_npm_says_it_matches(text: str, inside: str, outside: str) -> None:
    """The table above has one reader for both sides; here the answers are npm's."""
    test_a_range_allows_exactly_its_interval(text, inside, outside)


@pytest.mark.parametrize(("text", "part"), NOT_RANGES)
def test_what_is_no_range_is_refused_and_the_wrong_part_named(text: str, part: str) -> None:
    """A range that silently means "anything" is worse than none, and in a long one the author must find the place."""
    with pytest.raises(ValueError, match=re.escape(repr(part))):
        Range.parse(text)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_a_hostile_text_is_read_or_refused_at_once(text: str) -> None:
    """It comes out of an image or a manifest; a reader that tries every way to match would hang here."""
    for read in (Range.parse, Version.parse, parse_interface_version):
        with contextlib.suppress(ValueError):
            read(text)


def test_a_text_that_is_too_long_is_refused_unread() -> None:
    """256 characters are more than any author needs."""
    with pytest.raises(ValueError, match="range of 257 characters; the longest is 256"):
        Range.parse("1" * 257)


def test_interface_versions_fit_ranges() -> None:
    """Interfaces have two numbers; a table packs them into 32 bits."""
    assert parse_interface_version("1.2") == (1, 2)
    assert Range.parse("^1.2").allows_interface((1, 3))
    assert not Range.parse("^1.2").allows_interface((1, 1))


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        *(("1.2", "1.2", False), ("1.2", "1.3", False), ("1.3", "1.2", False), ("1.9", "2.0", True)),
        *(("2.0", "1.9", True), ("0.2", "0.2", False), ("0.2", "0.3", True), ("0.3", "0.2", True)),
        *(("0.9", "1.0", True), ("1.0", "0.9", True), ("0.0", "0.1", True), ("0.2", "1.2", True)),
    ],
)
def test_below_1_another_minor_is_a_major_step(old: str, new: str, breaks: bool) -> None:
    """SemVer §4: at 0.x anything may change, so what an author calls a minor there may break every caller."""
    step = parse_interface_version(old), parse_interface_version(new)

    assert is_major_step(*step) is breaks
    assert is_major_step(*step) is not Range.parse(f"^{min(old, new)}").allows_interface(max(step))


@pytest.mark.parametrize("text", ["1", "1.2.3", "01.2", "65536.0", "1.65536", "a.b", "", "1." + "9" * 300])
def test_what_is_no_interface_version_is_refused(text: str) -> None:
    """It would not survive being packed."""
    with pytest.raises(ValueError):
        parse_interface_version(text)
