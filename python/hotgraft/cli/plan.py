"""`hotgraft plan`: what a running host would do to replace one plugin or several, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.asking import ask_set, host_option, image_options, images_option, tell
from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.output import chosen_format, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMATS = ("text", "mermaid", "dot")


@click.command(epilog=EXITS_TEXT)
@click.argument("plugins", metavar="PLUGIN...", nargs=-1)
@image_options
@images_option
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="To draw in.")
@host_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    plugins: tuple[str, ...],
    images: Mapping[str, str],
    form: str,
    host: str,
    as_json: bool,
    **what: Any,
) -> None:
    """Say what a running host would do to replace PLUGIN, and everything against it; nothing is changed.

    Who must be replaced with it is named too, in which order and why, and how long calls are expected to wait. Several
    are replaced as one. Images are chosen as for `hotgraft reload`. Ends with 3 where the swap would be refused.
    """
    if form != FORMATS[0]:
        what["format"] = chosen_format(form, as_json)
    answer = ask_set(host, "plan", plugins, images, **what)
    is_refused = any(answer[part]["refusals"] for part in ("set", "plan") if part in answer)
    tell(answer, as_json=as_json)
    ctx.exit(EXIT_REFUSED if is_refused else 0)
