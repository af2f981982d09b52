"""`hotgraft check`: whether images would be accepted, and keep what callers rely on, as an exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_INCOMPATIBLE, EXIT_REFUSED, EXIT_UNKNOWN
from hotgraft.cli.journal import journal_options
from hotgraft.cli.output import chosen_format, format_option, has_colour, print_json

if TYPE_CHECKING:
    from hotgraft.cli.annotations import Level
    from hotgraft.engine.comparison import Compared
    from hotgraft.engine.inspection import Inspection

CHECK_EXITS = (
    "Exit codes: 0 all accepted, 3 at least one is refused. With --against also 4: incompatible (major, or a declared "
    "version that is looser than the facts), 5: unknown. 1 internal error, 2 usage."
)


@dataclass(frozen=True, slots=True)
class _Checked:
    """One image, and everything that was found."""

    image: Path
    found: Inspection
    waiting: tuple[str, ...]  # permissions that nobody granted
    tried: dict[str, Any] | None
    compared: Compared | None
    is_strict: bool

    @property
    def is_accepted(self) -> bool:
        if self.found.refusals or self.waiting or (self.is_strict and self.found.warnings):
            return False
        tried = self.tried
        return tried is None or not (tried["error"] or (self.is_strict and tried["warnings"]))


@click.command(epilog=CHECK_EXITS)
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--against", metavar="IMAGE|VERSION", help="Compare with this image, or this version in the journal.")
@click.option("--strict", is_flag=True, help="Refuse also what keeps a library in memory.")
@click.option("--probe", is_flag=True, help="Also load each in a process of its own: create, start, health, stop.")
@click.option(
    "--granted", metavar="NAME", multiple=True, help="Refuse what asks for a permission that is not named so."
)
@click.option("--plugin-config", metavar="JSON", default="{}", help="For --probe: what create is given.")
@journal_options
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    images: tuple[Path, ...],
    against: str | None,
    strict: bool,
    probe: bool,
    granted: tuple[str, ...],
    plugin_config: str,
    journal: str | None,
    config_file: Path | None,
    output_format: str | None,
    as_json: bool,
) -> None:
    """Say whether each of IMAGES would be accepted on a machine like this one: 0 all, 3 at least one is refused.

    From the files alone, unless --probe is given: none of their code runs. With --against each is also compared with
    what callers rely on, as `hotgraft diff` does: a gate for a release.
    """
    from hotgraft.cli.check_against import compared_with
    from hotgraft.core.grants import ungranted
    from hotgraft.engine.inspection import inspect_image

    shown_as = chosen_format(output_format, as_json)
    config_json = _object_text(plugin_config)
    checked = []
    for image in images:
        found = inspect_image(image)
        asked = found.descriptor.permissions if found.descriptor is not None and granted else ()
        one = _Checked(image, found, tuple(ungranted(asked, granted).values()), None, None, strict)
        tried = _probe(found, image, config_json) if probe and one.is_accepted else None
        compared = None
        is_readable = found.descriptor is not None or (found.facts and found.facts["descriptor"] is None)
        if against is not None and is_readable:  # else it is refused for that
            compared = compared_with(found, against, journal=journal, config_file=config_file)
        checked.append(replace(one, tried=tried, compared=compared))
        if shown_as == "text":
            _print_text(checked[-1])
        elif shown_as == "github":
            _print_annotations(checked[-1], against or "")
    if shown_as == "json":
        _print_json(checked)
    ctx.exit(_exit_of(checked))


def _exit_of(checked: list[_Checked]) -> int:
    """Return the code of the gravest finding: refused, then incompatible, then unknown."""
    from hotgraft.cli.diff import contract_exit

    if not all(one.is_accepted for one in checked):
        return EXIT_REFUSED
    codes = {contract_exit(one.compared.comparison) for one in checked if one.compared is not None}
    return next((code for code in (EXIT_INCOMPATIBLE, EXIT_UNKNOWN) if code in codes), 0)


def _print_text(one: _Checked) -> None:
    from hotgraft.cli.diff_report import report
    from hotgraft.cli.inspect import verdict

    head = verdict(one.found) if one.is_accepted or one.found.refusals else "would be refused here"
    click.echo(f"{one.found.shown_path}: {one.found.name}: {head}")
    for sentence in one.waiting:
        click.echo(f"  refused: {sentence}")
    for warning in one.found.warnings:
        click.echo(f"  {'refused' if one.is_strict else 'warning'}: {warning.rule}: {warning.sentence}")
    for line in _lines(one.tried, strict=one.is_strict) if one.tried is not None else ():
        click.echo(f"  {line}")
    if one.compared is not None:
        click.echo("\n" + report(one.compared, has_colour=has_colour(sys.stdout)))


def _print_json(checked: list[_Checked]) -> None:
    from hotgraft.cli.diff import comparison_object, contract_exit
    from hotgraft.cli.inspect import as_object

    objects = [
        {
            **as_object(one.found),
            "ungranted": list(one.waiting),
            "probe": one.tried,
            "accepted": one.is_accepted,
            "contract": None if one.compared is None else comparison_object(one.compared),
        }
        for one in checked
    ]
    kept = all(one.compared is None or not contract_exit(one.compared.comparison) for one in checked)
    print_json({"accepted": all(one.is_accepted for one in checked), "compatible": kept, "images": objects})


def _print_annotations(one: _Checked, against: str) -> None:
    from hotgraft.cli.annotations import annotation, contract_annotations

    file = one.found.shown_path
    for refusal in one.found.refusals:
        text = "\n".join(filter(None, (refusal.sentence, refusal.advice and f"to do: {refusal.advice}")))
        click.echo(annotation("error", text, title=f"hotgraft: {refusal.rule}", file=file))
    for sentence in one.waiting:
        click.echo(annotation("error", sentence, title="hotgraft: permission", file=file))
    for warning in one.found.warnings:
        level: Level = "error" if one.is_strict else "warning"
        click.echo(annotation(level, warning.sentence, title=f"hotgraft: {warning.rule}", file=file))
    if one.tried is not None:
        failed = bool(one.tried["error"]) or (one.is_strict and bool(one.tried["warnings"]))
        text = "\n".join(_lines(one.tried, strict=one.is_strict))
        click.echo(annotation("error" if failed else "notice", text, title="hotgraft: probe", file=file))
    if one.compared is not None:
        for line in contract_annotations(one.compared.comparison, against=against, file=file):
            click.echo(line)


def _object_text(text: str) -> str:
    from hotgraft.core.descriptor_shape import read_json

    try:
        if isinstance(read_json(text.encode()), dict):
            return text
        why = ""
    except (ValueError, RecursionError) as error:
        why = f": {error}"
    raise click.BadParameter(f"must be a JSON object{why}", param_hint="--plugin-config")


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
