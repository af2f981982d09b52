"""`hotgraft new`: begin a plugin."""

from __future__ import annotations

from pathlib import Path

import click

from hotgraft.cli.exits import EXIT_REFUSED
from hotgraft.cli.output import json_option, print_json


@click.command()
@click.argument("name")
@click.option("--cpp", "is_cpp", is_flag=True, help="C++ instead of C.")
@click.option(
    "--interface",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Implement the interfaces of this header instead of a new one.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, is_cpp: bool, interface: Path | None, as_json: bool) -> None:
    """Make the folder NAME with a plugin that builds, passes its own test and hot-reloads.

    Nothing that is there already is touched; when something goes wrong, nothing is left behind.
    """
    from hotgraft.engine.new_plugin import new_plugin

    try:
        files = new_plugin(name, Path.cwd(), is_cpp=is_cpp, interface=interface)
    except FileExistsError:
        click.echo(f"{name}: is there already, and was left alone; choose another name or remove it", err=True)
        ctx.exit(EXIT_REFUSED)
    if as_json:
        print_json({"folder": name, "files": [one.name for one in files]})
        return
    click.echo(f"{name}/: " + ", ".join(one.name for one in files))
    click.echo(f"next: cd {name} && hotgraft dev, or hotgraft build && python {files[3].name}")
