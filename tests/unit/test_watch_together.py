"""Images of plugins that need each other are saved one after the other: a watch takes them as one, when they fit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pair_scene import codec, player
from watch_scene import Listener, replace

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft import Host
    from sample_plugins import Workshop


def test_two_saved_one_after_the_other_that_need_each_other_come_as_one(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """A new major and the consumer that was built for it: the first is refused, the second brings it along."""
    paths = {"codec": tmp_path / "codec.so", "player": tmp_path / "player.so"}
    for path, sample in zip(paths.values(), (codec(1), player(11)), strict=True):
        replace(path, build(sample))
        unprobed.load(path)
    listener = Listener(unprobed)
    with unprobed.watch():
        replace(paths["codec"], build(codec(2, 2)))
        assert listener.wait_for("watch.refused").plugin == "codec"
        assert unprobed["player"].build() == 11_001
        replace(paths["player"], build(player(12, "^2")))
        listener.wait_for_build(unprobed["player"], 12_002)
    assert unprobed["codec"].build() == 2


def test_what_was_refused_for_want_of_a_provider_is_tried_again_when_that_is_there(
    unprobed: Host, build: Workshop, tmp_path: Path
) -> None:
    """Nobody has to save it once more."""
    unprobed.load(build(codec(1)))
    path = tmp_path / "player.so"
    replace(path, build(player(11)))
    unprobed.load(path)
    mixer = dataclasses.replace(codec(3), name="mixer", interface="mixer", flags=('-DCOUNTER_OFFERS="mixer/"',))
    listener = Listener(unprobed)
    with unprobed.watch():
        replace(path, build(player(12, calls="mixer")))
        listener.wait_for("watch.refused")
        unprobed.load(build(mixer))
        listener.wait_for_build(unprobed["player"], 12_003)
