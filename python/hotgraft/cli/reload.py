"""`hotgraft reload`: let a running host replace a plugin."""

from __future__ import annotations

from typing import Any

import click

from hotgraft.cli.asking import ask_one, host_option, image_options, reason_option, tell
from hotgraft.cli.exits import EXITS_TEXT
from hotgraft.cli.output import json_option


@click.command(epilog=EXITS_TEXT)
@click.argument("plugin")
@image_options
@reason_option
@host_option
@json_option
def command(plugin: str, host: str, as_json: bool, **what: Any) -> None:
    """Let a running host replace PLUGIN, and say what came of it.

    Without an option that chooses an image, by what lies now where it is loaded from. Known are that one and those
    that the host's journal keeps. What is refused changes nothing; it ends with 3, and with 6 where the candidate
    served and was taken back.
    """
    tell(ask_one(host, "reload", plugin=plugin, **what), as_json=as_json)
