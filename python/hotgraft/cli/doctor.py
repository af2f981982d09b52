"""`hotgraft doctor`: what on this machine stands against building, loading and replacing plugins."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from hotgraft.cli.exits import EXIT_INCOMPATIBLE, EXITS_TEXT
from hotgraft.cli.output import json_option, print_json, table

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.engine.doctor import Diagnosis

UNLOAD_DEADLINE_S = 10.0
PART_WIDTH = 14
MARKS = {"ok": "ok", "warning": "look", "problem": "WRONG"}


@click.command(epilog=EXITS_TEXT)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Look at this machine: compilers, flags, loader, membarrier, limits, what killed hosts left behind.

    Compilers compile, and a plugin is loaded, replaced and taken out of memory. Each thing that is wrong says what to
    do. Ends with 4 if plugins cannot be built or run here.
    """
    from hotgraft.engine.doctor import diagnose

    found = []
    for one in diagnose(_try_swap):
        found.append(one)
        if not as_json:
            said = one.found + (f"\nto do: {one.advice}" if one.advice else "")
            click.echo(table([(f"{MARKS[one.level]:<5}  {one.part:<{PART_WIDTH}}", said)], indent=0))
    is_well = all(one.level != "problem" for one in found)
    if as_json:
        print_json({"well": is_well, "parts": [asdict(one) for one in found]})
    ctx.exit(0 if is_well else EXIT_INCOMPATIBLE)


def _try_swap(image: Path) -> Diagnosis:
    """Load, replace and unload: what no reading of facts about the loader can say."""
    import hotgraft
    from hotgraft.engine.doctor import Diagnosis, failed_swap

    try:
        with hotgraft.Host() as host:
            host.load(image)
            report = host.reload(next(iter(host)), image)
            unloads = host.unloads(UNLOAD_DEADLINE_S)
    except hotgraft.HotgraftError as error:
        return failed_swap(error)
    if unloads.stuck or not unloads.proven:
        why = "; ".join(str(one) for one in unloads.stuck) or "it was still mapped at the deadline"
        return Diagnosis("loader", "problem", f"a replaced library did not leave memory: {why}", "report this")
    return Diagnosis("loader", "ok", f"a plugin was loaded, replaced (pause {report.pause_us:.0f} us) and unloaded")
