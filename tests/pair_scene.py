"""Two plugins that call each other's kind: a player needs a codec, and each answers which builds a call went through.

`player.build()` is 1000 times its own number and that of the codec that answered: a mix of two sides is seen in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sample_plugins import HANDS_OVER, Sample

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from hotgraft import Host
    from sample_plugins import Workshop

__all__ = ["codec", "expect", "load_pair", "player", "save"]


def codec(build: int, major: int = 1, *flags: str, **more: Any) -> Sample:
    """Return a codec that offers ``codec MAJOR.0``; its version follows."""
    return replace(
        HANDS_OVER,
        name="codec",
        interface="codec",
        interface_version=(major, 0),
        version=f"{major}.0.0",
        build=build,
        flags=('-DCOUNTER_OFFERS="codec/"', *flags),
        **more,
    )


def player(
    build: int, accepts: str = "^1", *flags: str, calls: str = "codec", offers: str = "player", **more: Any
) -> Sample:
    """Return a player that needs codec in that range; `offers`: its name, and that of its interface."""
    return replace(
        HANDS_OVER,
        name=offers,
        interface=offers,
        build=build,
        requires=((calls, accepts),),
        flags=(
            f'-DCOUNTER_OFFERS="{offers}/"',
            f'-DCOUNTER_CALLS="{calls}"',
            f'-DCOUNTER_ACCEPTS="{accepts}"',
            *flags,
        ),
        **more,
    )


def load_pair(host: Host, build: Workshop, **configs: Any) -> None:
    """Load codec 1 and player 11, with a count of 5 and of 7."""
    host.load(build(codec(1)), config=configs.get("codec"))
    host.load(build(player(11)), config=configs.get("player"))
    host["codec"].add(5)
    host["player"].add(7)


def expect(host: Host, answer: int, counts: tuple[int, int] = (5, 7)) -> None:
    """Both serve, on one side, with all that they counted."""
    assert host["player"].build() == answer
    assert host["codec"].build() == answer % 1000
    assert (host["codec"].add(0), host["player"].add(0)) == counts


def save(image: Path, path: str | os.PathLike[str]) -> None:
    """Put an image at a path as an editor's build does: whole, in one step."""
    target = type(image)(path)
    fresh = target.with_suffix(".new")
    fresh.write_bytes(image.read_bytes())
    fresh.replace(target)
