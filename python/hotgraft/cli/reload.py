"""`hotgraft reload`: let a running host replace one plugin, or several as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.asking import ask_set, host_option, image_options, images_option, reason_option, tell
from hotgraft.cli.exits import EXITS_TEXT
from hotgraft.cli.output import json_option

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(epilog=EXITS_TEXT)
@click.argument("plugins", metavar="PLUGIN...", nargs=-1)
@image_options
@images_option
@reason_option
@host_option
@json_option
def command(plugins: tuple[str, ...], images: Mapping[str, str], host: str, as_json: bool, **what: Any) -> None:
    """Let a running host replace PLUGIN, and say what came of it.

    Without an option that chooses an image, by what lies now where it is loaded from. Known are that one and those
    that the host's journal keeps. Several are replaced as one: nobody sees some of them new and others old, and what
    fails leaves all of them as they are. What is refused changes nothing; it ends with 3, and with 6 where the
    candidate served and was taken back.
    """
    tell(ask_set(host, "reload", plugins, images, **what), as_json=as_json)
