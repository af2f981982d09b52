"""Tests core/features.py: who loses what it uses, and that what nobody uses may go."""

from __future__ import annotations

from hotgraft.core.contract import Consumer
from hotgraft.core.features import lacking, lost_features
from hotgraft.core.versions import Range

ANY = Range.parse(">=0")
MIXER = Consumer(plugin="mixer", interface="codec/1", accepts=ANY, uses=frozenset({"stereo", "seek"}))
METER = Consumer(plugin="meter", interface="codec/1", accepts=ANY)


def test_a_feature_that_nobody_uses_may_go() -> None:
    """A promise binds where somebody relies on it."""
    assert lost_features((), (METER,)) == ()
    assert lost_features(("seek", "stereo", "more"), (MIXER, METER), ("more",)) == ()


def test_each_user_of_a_lost_feature_is_named_with_what_is_lost() -> None:
    """Who is to be mended, or reloaded first, is in the sentence."""
    assert lost_features(("seek",), (MIXER, METER), ("tempo",)) == (
        "mixer uses what this lacks: feature 'stereo' (it offers 'seek')",
        "this program uses what this lacks: feature 'tempo' (it offers 'seek')",
    )
    both = "mixer uses what this lacks: features 'seek', 'stereo' (it offers none)"
    assert lost_features((), (MIXER, MIXER)) == (both,)


def test_a_near_name_is_shown_instead_of_all() -> None:
    """A slip of one letter is seen at once."""
    assert lacking(["stereo"], ["sterio", "seek", "tempo"]) == "feature 'stereo' (it offers 'sterio')"
    assert lacking(["stereo"], ["loud", "tempo"]) == "feature 'stereo' (it offers 'loud', 'tempo')"
    assert lacking([], ["seek"]) == ""


def test_a_sentence_does_not_list_hundreds() -> None:
    """It is read by a person."""
    many = [f"f{number:03}" for number in range(200)]
    assert lacking(many, []).count(",") == 8
    assert "192 more" in lacking(many, [])
    assert "192 more" in lacking(["x"], many)
