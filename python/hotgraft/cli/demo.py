"""`hotgraft demo`: see it work on this machine, on real input, checked sample by sample."""

from __future__ import annotations

import json
import pathlib
import sys

import click

from hotgraft.core.errors import HotgraftError
from hotgraft.demo import SABOTAGES


@click.command()
@click.option(
    "--input",
    "input_",
    metavar="FILE.wav",
    type=click.Path(path_type=pathlib.Path),
    help="Recording to play, PCM of 16, 24 or 32 bits. Default: one that is made on the spot.",
)
@click.option(
    "--swaps",
    default=50,
    show_default=True,
    type=click.IntRange(1, 4_000),
    help="How often to rebuild and replace.",
)
@click.option(
    "--threads",
    default=0,
    type=click.IntRange(0, 64),
    help="Streams; channels are used again when there are fewer. Default: one per channel.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON; what a person reads goes to stderr.")
@click.option(
    "--sabotage",
    type=click.Choice(list(SABOTAGES)),
    help="Take one safeguard out of the swap: the run must then fail.",
)
@click.option(
    "--dump",
    metavar="DIR",
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    help="Write input, output and stamps there, for tests/demo_check.py. The streams are then paced.",
)
def command(
    input_: pathlib.Path | None,
    swaps: int,
    threads: int,
    as_json: bool,
    sabotage: str | None,
    dump: pathlib.Path | None,
) -> None:
    """Rebuild and replace an audio filter under a running stream, and check every sample.

    A plugin in C is compiled with this machine's compiler. While a recording streams through it, its source
    is edited, rebuilt and swapped again and again. Four bad builds are thrown in and must be refused: one that
    does not compile, one that lacks a function, one that crashes, one that hangs. Ends with 0 only if no call
    failed, every sample is right, no state was lost and every replaced library left memory.
    """
    from hotgraft.demo.run import Wish, run_demo
    from hotgraft.demo.screen import Screen

    out = sys.stderr if as_json else sys.stdout
    screen = Screen(out, is_live=out.isatty())
    wish = Wish(input=input_, swaps=swaps, threads=threads, sabotage=sabotage, dump=dump)
    try:
        outcome = run_demo(wish, screen)
    except HotgraftError as error:
        click.echo(f"\nThe demo could not run: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
        sys.exit(130)
    if as_json:
        click.echo(json.dumps(outcome.line()))
    sys.exit(1 if outcome.complaints() else 0)
