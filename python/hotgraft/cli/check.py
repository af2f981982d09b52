"""`hotgraft check`: whether images would be accepted, as an exit code."""

from __future__ import annotations

from pathlib import Path

import click

from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.output import json_option, print_json


@click.command(epilog=EXITS_TEXT)
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Refuse also what keeps a library in memory.")
@json_option
@click.pass_context
def command(ctx: click.Context, images: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Say whether each of IMAGES would be accepted on a machine like this one: 0 all, 3 at least one is refused.

    From the files alone: none of their code runs. A host also compares with what it already runs (interfaces, state).
    """
    from hotgraft.cli.inspect import as_object, verdict
    from hotgraft.engine.inspection import inspect_image

    objects = []
    for image in images:
        found = inspect_image(image)
        is_accepted = not found.refusals and not (strict and found.warnings)
        objects.append({**as_object(found), "accepted": is_accepted})
        if not as_json:
            click.echo(f"{found.shown_path}: {found.name}: {verdict(found)}")
            for one in found.warnings:
                click.echo(f"  {'refused' if strict else 'warning'}: {one.rule}: {one.sentence}")
    is_all = all(one["accepted"] for one in objects)
    if as_json:
        print_json({"accepted": is_all, "images": objects})
    ctx.exit(0 if is_all else EXIT_REFUSED)
