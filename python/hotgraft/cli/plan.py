"""`hotgraft plan`: what a running host would do to replace a plugin, without doing it."""

from __future__ import annotations

from typing import Any

import click

from hotgraft.cli.asking import ask_one, host_option, image_options, tell
from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.output import json_option


@click.command(epilog=EXITS_TEXT)
@click.argument("plugin")
@image_options
@host_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, plugin: str, host: str, as_json: bool, **what: Any) -> None:
    """Say what a running host would do to replace PLUGIN, and everything against it; nothing is changed.

    The image is chosen as for `hotgraft reload`. Ends with 3 where the swap would be refused.
    """
    answer = ask_one(host, "plan", plugin=plugin, **what)
    is_refused = bool(answer["plan"]["refusals"])
    tell(answer, as_json=as_json)
    ctx.exit(EXIT_REFUSED if is_refused else 0)
