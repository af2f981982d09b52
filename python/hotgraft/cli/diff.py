"""`hotgraft diff`: what a new image, or a new header, means for those who rely on the old one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_INCOMPATIBLE, EXIT_UNKNOWN
from hotgraft.cli.output import has_colour, json_option, print_json

if TYPE_CHECKING:
    from hotgraft.core.contract_facts import Comparison
    from hotgraft.engine.comparison import Compared

__all__ = ["DIFF_EXITS", "command", "comparison_object", "contract_exit"]

DIFF_EXITS = (
    "Exit codes: 0 compatible (identical, patch or minor), 4 incompatible (major, or a declared version that is looser "
    "than the facts), 5 unknown, 1 internal error, 2 usage, 3 an image is refused, 9 a header does not compile."
)
_PATH = click.Path(exists=True, path_type=Path)


@click.command(epilog=DIFF_EXITS)
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@click.option(
    "--consumer", "consumers", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="IMAGE", help="A plugin that calls OLD: name it where it relies on what changed. Repeatable.",
)  # fmt: skip
@click.option(
    "-I", "include", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER",
    help="Headers: where what they include is looked for.",
)  # fmt: skip
@click.option("-D", "defines", multiple=True, metavar="NAME[=VALUE]", help="Headers: a macro that is defined.")
@click.option("--cc", metavar="COMMAND", help="Headers: the C compiler; default: $CC, or the one that is found.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    old: Path,
    new: Path,
    consumers: tuple[Path, ...],
    include: tuple[Path, ...],
    defines: tuple[str, ...],
    cc: str | None,
    as_json: bool,
) -> None:
    """Say what NEW means for those who rely on OLD: identical, patch, minor, major or unknown, with every fact.

    OLD and NEW are two images with a descriptor, or two C headers, or two folders of headers; headers are read as the
    C compiler of this machine sees them. None of their code runs.
    """
    from hotgraft.cli.diff_report import report
    from hotgraft.engine.comparison import compare_headers, compare_images, kind_of

    try:
        kinds = [kind_of(one) for one in (old, new)]
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}: compare files, or folders of headers.") from None
    if kinds[0] != kinds[1]:
        words = {"image": "an image", "headers": "a C header or a folder of them"}
        found = f"{old} is {words[kinds[0]]} and {new} is {words[kinds[1]]}"
        raise click.UsageError(f"{found}: compare two images, or headers with headers.")
    if kinds[0] == "image":
        if include or defines or cc:
            raise click.UsageError("-I, -D and --cc are for headers: an image has its descriptor.")
        compared = compare_images(old, new, consumers=consumers)
    elif consumers:
        raise click.UsageError("--consumer is for images: a header does not say who is bound to it.")
    else:
        compared = compare_headers(old, new, include=include, defines=defines, compiler=cc)
    if as_json:
        print_json(comparison_object(compared))
    else:
        click.echo(report(compared, has_colour=has_colour(sys.stdout)))
    ctx.exit(contract_exit(compared.comparison))


def comparison_object(compared: Compared) -> dict[str, Any]:
    """Return a comparison as JSON has it."""
    found = compared.comparison
    return {
        "verdict": found.verdict.value,
        "state_layout_changed": found.state_layout_changed,
        "facts": [one.as_dict() for one in found.facts],
        "claims": [one.as_dict() for one in (*found.claims, *found.release_claims)],
        "old": compared.old.label,
        "new": compared.new.label,
    }


def contract_exit(found: Comparison) -> int:
    """Return the exit code that a comparison stands for."""
    from hotgraft.core.contract_rules import Verdict

    if found.verdict is Verdict.MAJOR or found.claims or found.release_claims:
        return EXIT_INCOMPATIBLE
    return EXIT_UNKNOWN if found.verdict is Verdict.UNKNOWN else 0
