"""`hotgraft bind`: write what is generated from a plugin.toml."""

from __future__ import annotations

from pathlib import Path

import click

from hotgraft.engine.build import write_bound


@click.command()
@click.argument("manifest", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="plugin.toml")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder; default: build beside it.",
)
def command(manifest: Path, output: Path | None) -> None:
    """Turn an interface header and MANIFEST (default plugin.toml) into a descriptor, a C++ wrapper and a Protocol.

    Everything the headers may not use is refused, with file and line, all of it at once.
    """
    folder = output or manifest.parent / "build"
    name = write_bound(manifest, folder)
    click.echo(f"{folder}/{name}_descriptor.h")
    click.echo(f"{folder}/{name}_wrapper.hpp")
    click.echo(f"{folder}/{name}_interface.pyi")
    click.echo(f"{folder}/{name}_interface.py")
