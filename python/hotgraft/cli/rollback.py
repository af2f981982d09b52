"""`hotgraft rollback`: let a running host go back to what served before."""

from __future__ import annotations

import click

from hotgraft.cli.asking import ask_one, check_name, host_option, reason_option, tell
from hotgraft.cli.exits import EXITS_TEXT
from hotgraft.cli.output import json_option


@click.command(epilog=EXITS_TEXT)
@click.argument("plugin", callback=check_name)
@reason_option
@host_option
@json_option
def command(plugin: str, host: str, as_json: bool, reason: str) -> None:
    """Let a running host go back to what served as PLUGIN before, with the state gained since."""
    tell(ask_one(host, "rollback", plugin=plugin, reason=reason), as_json=as_json)
