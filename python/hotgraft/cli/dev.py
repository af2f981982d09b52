"""`hotgraft dev`: edit, save, see the new result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hotgraft.cli.environment import WholeText
from hotgraft.cli.output import has_colour, json_lines_option

if TYPE_CHECKING:
    from hotgraft.engine.build_image import Way


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path), default=".")
@click.option(
    "--call",
    "calls",
    cls=WholeText,
    multiple=True,
    metavar="CALL",
    envvar="HOTGRAFT_CALL",
    help="Call a function after every swap and show what it answers: 'process([1, 2, 3])'. May be given again.",
)
@click.option(
    "--reload-dir",
    "folders",
    multiple=True,
    envvar="HOTGRAFT_RELOAD_DIR",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Watch this folder too. May be given again.",
)
@click.option(
    "--reload-include",
    "included",
    multiple=True,
    metavar="GLOB",
    envvar="HOTGRAFT_RELOAD_INCLUDE",
    help="Watch files of this name too. May be given again. Default: sources, headers, TOML and JSON.",
)
@click.option(
    "--reload-exclude",
    "excluded",
    multiple=True,
    metavar="GLOB",
    envvar="HOTGRAFT_RELOAD_EXCLUDE",
    help="Do not watch files or folders of this name. May be given again. Default: build, hidden ones, backups.",
)
@click.option(
    "--reload-delay",
    "delay_s",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0.0, 60.0),
    envvar="HOTGRAFT_RELOAD_DELAY",
    help="Seconds without a save before building.",
)
@click.option(
    "--way",
    type=click.Choice(["compiler", "cmake"]),
    default="compiler",
    show_default=True,
    help="Build with the compiler directly, which is faster, or with the project's CMake.",
)
@click.option(
    "--catch-crashes",
    is_flag=True,
    envvar="HOTGRAFT_CATCH_CRASHES",
    help="Go on after a call that crashes; the process is tainted from then on.",
)
@json_lines_option
def command(
    folder: Path,
    calls: tuple[str, ...],
    folders: tuple[Path, ...],
    included: tuple[str, ...],
    excluded: tuple[str, ...],
    delay_s: float,
    way: Way,
    catch_crashes: bool,
    as_json: bool,
) -> None:
    """Build the plugin in FOLDER (default: here), and again at every save; swap it in, call it, show the result.

    What does not build or is refused is shown with the reason, and the old build serves on. A plugin that crashes,
    calls exit() or never returns costs its state; the next save begins anew. In a terminal: r reloads, b rolls back to
    the build before, s shows what is known of the state, q quits.
    """
    from hotgraft.dev.calling import parse_call
    from hotgraft.dev.pulse import Pulse, pulse_of_session
    from hotgraft.dev.screen import Screen
    from hotgraft.dev.sources import EXCLUDED, INCLUDED, Sources
    from hotgraft.dev.wish import Wish

    is_colored = has_colour(sys.stdout) and not as_json
    wish = Wish(
        folder=folder,
        sources=Sources(tuple(dict.fromkeys([folder, *folders])), (*INCLUDED, *included), (*EXCLUDED, *excluded)),
        calls=tuple(parse_call(text) for text in calls if text),
        delay_s=delay_s,
        way=way,
        is_colored=is_colored,
        catches_crashes=catch_crashes,
    )
    of_session = pulse_of_session()
    with Pulse.make() if of_session is None else of_session as pulse:
        screen = Screen(sys.stdout, is_json=as_json, has_colour=is_colored, turn=pulse.turn_to_write)
        if of_session is None:
            from hotgraft.dev.supervisor import supervise

            supervise(wish, screen, pulse)
        else:
            from hotgraft.dev.loop import run_session

            run_session(wish, screen, pulse)
