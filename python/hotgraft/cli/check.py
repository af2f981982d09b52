"""`hotgraft check`: whether images would be accepted, as an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.output import json_option, print_json

if TYPE_CHECKING:
    from hotgraft.engine.inspection import Inspection


@click.command(epilog=EXITS_TEXT)
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Refuse also what keeps a library in memory.")
@click.option("--probe", is_flag=True, help="Also load each in a process of its own: create, start, health, stop.")
@click.option(
    "--granted", metavar="NAME", multiple=True, help="Refuse what asks for a permission that is not named so."
)
@click.option("--plugin-config", metavar="JSON", default="{}", help="For --probe: what create is given.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    images: tuple[Path, ...],
    strict: bool,
    probe: bool,
    granted: tuple[str, ...],
    plugin_config: str,
    as_json: bool,
) -> None:
    """Say whether each of IMAGES would be accepted on a machine like this one: 0 all, 3 at least one is refused.

    From the files alone, unless --probe is given: none of their code runs. A host also compares with what it already
    runs (interfaces, state).
    """
    from hotgraft.cli.inspect import as_object, verdict
    from hotgraft.core.grants import ungranted
    from hotgraft.engine.inspection import inspect_image

    config_json = _object_text(plugin_config)
    objects = []
    for image in images:
        found = inspect_image(image)
        asked = found.descriptor.permissions if found.descriptor is not None and granted else ()
        waiting = tuple(ungranted(asked, granted).values())
        is_accepted = not found.refusals and not waiting and not (strict and found.warnings)
        tried = _probe(found, image, config_json) if probe and is_accepted else None
        is_accepted = is_accepted and (tried is None or not (tried["error"] or (strict and tried["warnings"])))
        if not as_json:
            head = verdict(found) if is_accepted or found.refusals else "would be refused here"
            click.echo(f"{found.shown_path}: {found.name}: {head}")
            for sentence in waiting:
                click.echo(f"  refused: {sentence}")
            for one in found.warnings:
                click.echo(f"  {'refused' if strict else 'warning'}: {one.rule}: {one.sentence}")
            for line in _lines(tried, strict=strict) if tried is not None else ():
                click.echo(f"  {line}")
        objects.append({**as_object(found), "ungranted": list(waiting), "probe": tried, "accepted": is_accepted})
    is_all = all(one["accepted"] for one in objects)
    if as_json:
        print_json({"accepted": is_all, "images": objects})
    ctx.exit(0 if is_all else EXIT_REFUSED)


def _object_text(text: str) -> str:
    try:
        if isinstance(json.loads(text), dict):
            return text
    except ValueError:
        pass
    raise click.BadParameter("must be a JSON object", param_hint="--plugin-config")


def _probe(found: Inspection, image: Path, config_json: str) -> dict[str, Any]:
    """Try it, and return what was seen as JSON has it; an error is its text."""
    from hotgraft.core.errors import HotgraftError
    from hotgraft.core.options import Options
    from hotgraft.engine.probe_image import probe_image

    plugin = found.descriptor.name if found.descriptor is not None else image.stem
    try:
        report, error = probe_image(image, plugin=plugin, config_json=config_json, options=Options())
    except HotgraftError as met:
        return {"error": list(met.found), "advice": met.advice, "warnings": [], "stages_us": [], "not_probed": ""}
    shown = report.as_dict()
    del shown["pause_us"]
    return {"error": list(error.found) if error else [], "advice": error.advice if error else "", **shown}


def _lines(tried: dict[str, Any], *, strict: bool) -> list[str]:
    if tried["error"]:
        return [*(f"refused: {one}" for one in tried["error"]), f"to do: {tried['advice']}"]
    if tried["not_probed"]:
        return [f"not probed: {tried['not_probed']}"]
    total = sum(us for _, us in tried["stages_us"])
    return [
        f"probed: {len(tried['stages_us'])} stages in {total:,.0f} µs",
        *(f"{'refused' if strict else 'seen'}: {one}" for one in tried["warnings"]),
    ]
