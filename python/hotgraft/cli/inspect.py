"""`hotgraft inspect`: what an image is, what it offers, and what stands against loading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.output import json_option, print_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.engine.inspection import Finding, Inspection

EXPORTS_SHOWN = 4
NAME_SHOWN = 80  # characters: mangled names grow without end


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def command(image: Path, as_json: bool) -> None:
    """Show what IMAGE is, what it offers and what would be refused, from its file alone: none of its code runs.

    Ends with 0 whatever was found; `hotgraft check` is for a script to decide by.
    """
    from hotgraft.engine.inspection import inspect_image

    found = inspect_image(image)
    if as_json:
        print_json(as_object(found))
        return
    click.echo(f"{found.shown_path}: {found.name}")
    click.echo(verdict(found))
    if found.facts:
        click.echo("\nimage\n" + table(_image_rows(found)))
    if found.descriptor is not None:
        click.echo("\ndescriptor\n" + table(_descriptor_rows(found.descriptor)))
    if found.warnings:
        click.echo("\nhazards\n" + _listed(found.warnings))
    elif found.facts:
        is_read = found.facts["is_fully_read"]
        click.echo("\nhazards\n  " + ("none that the file shows" if is_read else "not looked for in such a file"))


def verdict(found: Inspection) -> str:
    """Return whether it would be accepted here, with every reason against it."""
    if not found.refusals:
        return "would be accepted here"
    return "would be refused here:\n" + _listed(found.refusals)


def as_object(found: Inspection) -> dict[str, Any]:
    """Return everything known of the image, as JSON has it."""
    import msgspec

    facts = {name: value for name, value in found.facts.items() if name not in ("descriptor", "findings", "machine")}
    return {
        "image": found.path,
        "accepted": not found.refusals,
        "refusals": [_finding_object(one) for one in found.refusals],
        "warnings": [_finding_object(one) for one in found.warnings],
        "machine": found.machine if found.facts else None,
        **facts,
        "descriptor": msgspec.to_builtins(found.descriptor),
    }


def _finding_object(one: Finding) -> dict[str, str]:
    return {"rule": one.rule, "found": one.sentence, "advice": one.advice}


def _listed(findings: Sequence[Finding]) -> str:
    return table((one.rule, one.sentence + (f"\nto do: {one.advice}" if one.advice else "")) for one in findings)


def _image_rows(found: Inspection) -> list[tuple[str, str]]:
    facts = found.facts
    order = "" if facts["is_little_endian"] else ", big-endian"
    rows = [
        ("file", f"{facts['file_bytes']:,} bytes"),
        ("sha256", facts["sha256"]),
        ("kind", f"{facts['type']}, {found.machine}, {facts['class_bits']}-bit{order}"),
    ]
    if not facts["is_fully_read"]:
        return rows  # of another machine's image nothing more is known
    exported = sorted(facts["exported"], key=lambda name: name != "hotgraft_plugin_v1")  # the entry first
    more = len(exported) - EXPORTS_SHOWN
    names = [one if len(one) <= NAME_SHOWN else f"{one[:NAME_SHOWN]}…" for one in exported[:EXPORTS_SHOWN]]
    listed = "\n".join(names + ([f"and {more} more"] if more > 0 else [])) or "nothing"
    return [
        *rows,
        ("build id", facts["build_id"] or "none"),
        ("SONAME", facts["soname"] or "none"),
        ("RUNPATH", facts["runpath"] or facts["rpath"] or "none"),
        ("needs", "\n".join(_needs(facts["needed"], facts["version_needs"])) or "nothing"),
        ("exports", listed),
        ("imports", f"{facts['imported']} symbols"),
    ]


def _needs(needed: Sequence[str], versions: Sequence[tuple[str, str]]) -> list[str]:
    """One line per needed file, with the versions that are asked of it."""
    lines = []
    for name in needed:
        asked = ", ".join(sorted(version for file, version in versions if file == name))
        lines.append(f"{name}  ({asked})" if asked else name)
    return lines


def _descriptor_rows(descriptor: Descriptor) -> list[tuple[str, str]]:
    from hotgraft.core.descriptor import signature

    rows = [("plugin", f"{descriptor.name} {descriptor.version}, plugin ABI {descriptor.abi[0]}.{descriptor.abi[1]}")]
    for interface in descriptor.provides:
        version = f"{interface.version[0]}.{interface.version[1]}"
        functions = "\n".join(signature(one) for one in interface.functions) or "no function"
        rows.append(("provides", f"{interface.interface}/{version}\n{functions}"))
    rows += [
        ("requires", f"{one.interface} {one.range}" + (" (optional)" if one.optional else ""))
        for one in descriptor.requires
    ]
    rows += [(name, "\n".join(lines)) for name, lines in (("types", _types(descriptor)), *_lists(descriptor)) if lines]
    return [*rows, ("state", _state(descriptor))]


def _types(descriptor: Descriptor) -> list[str]:
    """One line per struct, union and enum that callers pass, with what it is made of."""
    lines = []
    for kind, records in (("struct", descriptor.structs), ("union", descriptor.unions)):
        for name, one in sorted(records.items()):
            fields = ", ".join(f"{f.name} {f.type}{f'[{f.count}]' if f.count != 1 else ''}" for f in one.fields)
            lines.append(f"{kind} {name}, {one.bytes} bytes: {fields}")
    for name, enum in sorted(descriptor.enums.items()):
        values = ", ".join(f"{constant} = {value}" for constant, value in enum.values)
        lines.append(f"enum {name}, {enum.type}: {values}")
    return lines


def _lists(descriptor: Descriptor) -> list[tuple[str, list[str]]]:
    constants = ", ".join(f"{name} = {text}" for name, text in sorted(descriptor.constants.items()))
    return [
        ("constants", [constants] if constants else []),
        ("features", list(descriptor.features)),
        ("permissions", list(descriptor.permissions)),
    ]


def _state(descriptor: Descriptor) -> str:
    state = descriptor.state
    if state.kind == "none":
        return "none"
    ways = [f"shared (layout {state.layout_id:016x})"] * (state.kind == "concurrent")
    ways += [f"handed over (layout {state.layout_id:016x})"] * state.handover + ["saved and restored"] * state.save
    return f"{state.kind}, schema {state.schema}, {' or '.join(ways)}"
