"""Tests host/unknown.py: a name under which nothing is loaded is refused, and what was meant is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hotgraft import Host, Outcome, UnknownPlugin
from pair_scene import codec, expect, load_pair, player

if TYPE_CHECKING:
    from sample_plugins import Workshop


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("cdoec", "say 'codec', which is loaded"),
        ("noise", "say 'codec', which is loaded"),
        ("lfet", "say 'left', which is loaded"),
    ],
)
def test_a_misspelt_name_in_a_set_loads_nothing(unprobed: Host, build: Workshop, name: str, advice: str) -> None:
    """It would serve beside what was meant, which would go on as it was, and nobody would be told."""
    load_pair(unprobed, build)
    unprobed.load(build(codec(3)), name="left")
    images = {"player": build(player(12)), name: build(codec(2))}
    for ask in (unprobed.reload_set, unprobed.plan):
        with pytest.raises(
            UnknownPlugin, match="is the image of 'codec'; loaded plugins: codec, player, left"
        ) as caught:
            ask(images)
        assert caught.value.on == name
        assert caught.value.advice == advice

    assert set(unprobed) == {"codec", "player", "left"}
    expect(unprobed, 11_001)


def test_a_new_plugin_comes_along_under_its_own_name_only(unprobed: Host, build: Workshop) -> None:
    """That it is said as its image says it is what tells a wish from a slip."""
    unprobed.load(build(codec(1)))
    image = build(player(11))
    with pytest.raises(UnknownPlugin, match="is the image of 'player'") as caught:
        unprobed.reload_set({"codec": build(codec(2)), "radio": image})
    assert caught.value.advice == "say 'player', to load it with the rest"
    assert (list(unprobed), unprobed["codec"].build()) == (["codec"], 1)
    assert caught.value.report.members["codec"].outcome is Outcome.REFUSED  # type: ignore[attr-defined] # of a swap's

    unprobed.reload_set({"codec": build(codec(2)), "player": image})

    assert (unprobed["player"].build(), unprobed["codec"].build()) == (11_002, 2)


def test_a_name_of_which_nothing_is_loaded_is_answered_with_the_nearest(unprobed: Host, build: Workshop) -> None:
    """Without an image there is nothing else that it could mean."""
    load_pair(unprobed, build)
    with pytest.raises(UnknownPlugin, match=r"loaded plugins: codec, player; did you mean 'codec'\?"):
        unprobed.reload_set({"cdoec": None})
