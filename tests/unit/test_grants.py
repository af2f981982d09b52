"""Tests core/grants.py: which permissions wait for a grant, in what words, and what may be granted."""

from __future__ import annotations

import pytest
from hotgraft.core.grants import check_words, ungranted


def test_only_what_is_asked_for_and_not_granted_waits() -> None:
    """A grant that nobody asks for does no harm: the config outlives a version that asked."""
    assert ungranted((), ()) == {}
    assert ungranted((), ("network",)) == {}
    assert ungranted(("network",), ("network", "disk")) == {}
    assert list(ungranted(("disk", "network", "screen"), ("network",))) == ["disk", "screen"]


def test_a_near_name_among_the_grants_is_shown() -> None:
    """Most often one of the two is a slip of one letter."""
    found = ungranted(("network", "disk"), ("netwrok", "screen"))

    assert found == {
        "network": "asks for permission 'network', which waits for a grant; granted is 'netwrok'",
        "disk": "asks for permission 'disk', which waits for a grant",
    }


def test_a_grant_is_a_name_that_a_manifest_may_ask_for() -> None:
    """Another word would grant nothing, and nobody would be told."""
    assert check_words(["b", "a", "b"]) == ("b", "a")
    assert check_words(["net.raw-1_x"]) == ("net.raw-1_x",)
    for wrong in (["Network"], [""], ["net work"], ["a" * 65], ["a\n"]):
        with pytest.raises(ValueError, match="is no permission"):
            check_words(wrong)
    with pytest.raises(TypeError, match="not the one text 'network'"):
        check_words("network")
    with pytest.raises(TypeError, match="a permission is a name"):
        check_words([1])  # type: ignore[list-item] # the mistake itself
