"""Tests core/versions.py: SemVer's own order, and every operator of a range at both of its ends."""

from __future__ import annotations

import itertools

import pytest
from hotgraft.core.versions import Range, Version, parse_interface_version

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
)

NOT_RANGES = (
    "",
    "  ",
    "^",
    "x",
    "*",
    "^1.x",
    "1.2.3.4",
    "^1 ||",
    "|| ^1",
    "^1,",
    ",^1",
    "^1 - 2",
    "==1",
    "=>1",
    "^^1",
    "1,,2",
    "^1a",
    "^" * 300,
)


def test_versions_order_as_semver_says() -> None:
    """A rollback is told from an upgrade by this order alone."""
    versions = [Version.parse(text) for text in ORDERED]

    for (i, a), (j, b) in itertools.product(enumerate(versions), repeat=2):
        assert (a < b, a > b, a == b) == (i < j, i > j, i == j), f"{a} {b}"


def test_build_metadata_has_no_rank() -> None:
    """Two builds of one version are neither newer nor older (SemVer §10), yet not the same value."""
    a, b = Version.parse("1.0.0+one"), Version.parse("1.0.0+two")

    assert not a < b
    assert not b < a
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


@pytest.mark.parametrize("text", NOT_RANGES)
def test_what_is_no_range_is_refused(text: str) -> None:
    """A range that silently means "anything" is worse than none."""
    with pytest.raises(ValueError):
        Range.parse(text)


def test_interface_versions_fit_ranges() -> None:
    """Interfaces have two numbers; a table packs them into 32 bits."""
    assert parse_interface_version("1.2") == (1, 2)
    assert Range.parse("^1.2").allows_interface((1, 3))
    assert not Range.parse("^1.2").allows_interface((1, 1))


@pytest.mark.parametrize("text", ["1", "1.2.3", "01.2", "65536.0", "1.65536", "a.b", "", "1." + "9" * 300])
def test_what_is_no_interface_version_is_refused(text: str) -> None:
    """It would not survive being packed."""
    with pytest.raises(ValueError):
        parse_interface_version(text)
