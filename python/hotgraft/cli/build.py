"""`hotgraft build`: bind and compile a plugin's folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotgraft.cli.exits import EXITS_TEXT
from hotgraft.cli.output import has_colour, json_option, print_json

if TYPE_CHECKING:
    from hotgraft.engine.build_image import Way


@click.command(epilog=EXITS_TEXT)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option(
    "-o",
    "--output",
    metavar="IMAGE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Path of the image. Default: build/<name>.so in the folder.",
)
@click.option(
    "--way",
    type=click.Choice(["cmake", "compiler"]),
    help="Default: cmake where there is a CMakeLists.txt and CMake is installed.",
)
@json_option
def command(folder: Path, output: Path | None, way: Way | None, as_json: bool) -> None:
    """Bind and compile the plugin in FOLDER (default: here).

    The image appears under its name in one step: whoever watches it never sees half of it, and a build that fails
    leaves the last one in place. $CC, $CXX, $CPPFLAGS, $CFLAGS, $CXXFLAGS and $LDFLAGS are respected.
    """
    from hotgraft.engine.build_image import build_image

    began = time.monotonic()
    built = build_image(folder, output=output, way=way, is_colored=has_colour(sys.stderr) and not as_json)
    took_s = time.monotonic() - began
    if as_json:
        print_json(
            {"image": str(built.image), "way": built.way, "took_s": round(took_s, 3), "warnings": built.warnings}
        )
    else:
        click.echo(built.warnings, err=True, nl=False)
        click.echo(f"{built.image}  (with {built.way}, {took_s:.2f} s)")
