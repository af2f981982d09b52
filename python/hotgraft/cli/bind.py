"""`hotgraft bind`: write what is generated from a plugin.toml."""

from __future__ import annotations

from pathlib import Path

import click

from hotgraft.cli.output import json_option, print_json


@click.command()
@click.argument("manifest", type=click.Path(dir_okay=False, path_type=Path), default="plugin.toml")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder; default: build beside it.",
)
@click.option("--list", "lists_only", is_flag=True, help="Say which files would be written, and write none.")
@click.option(
    "--depfile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there, as a makefile rule, what was read.",
)
@click.option("-q", "--quiet", is_flag=True, help="Do not name the files.")
@click.option("--depfile-target", metavar="FILE", help="What the rule is for; default: the descriptor.")
@json_option
def command(
    manifest: Path,
    output: Path | None,
    lists_only: bool,
    quiet: bool,
    depfile: Path | None,
    depfile_target: str | None,
    as_json: bool,
) -> None:
    """Turn an interface header and MANIFEST (default plugin.toml) into a descriptor, a C++ wrapper and a Protocol.

    Everything the headers may not use is refused, with file and line, all of it at once.
    """
    from hotgraft.engine.bind_files import dependency_rule, generated_files, load_manifest, read_files  # not for --help

    folder = output or manifest.parent / "build"
    found = load_manifest(manifest)
    files = generated_files(found.name, folder)
    if not lists_only:
        from hotgraft.engine.build import write_bound

        write_bound(manifest, folder)
    if depfile is not None:
        target = depfile_target or str(files[0])
        depfile.write_text(dependency_rule(target, read_files(found, manifest)), encoding="utf-8")
    if as_json:
        print_json({"plugin": found.name, "files": list(map(str, files)), "written": not lists_only})
    elif not quiet:
        click.echo("\n".join(map(str, files)))
