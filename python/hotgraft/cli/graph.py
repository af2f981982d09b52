"""`hotgraft graph`: who calls whom, in which order plugins are loaded, and what does not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.exits import EXIT_REFUSED, EXITS_TEXT
from hotgraft.cli.output import chosen_format, columns, json_option, print_json
from hotgraft.cli.settings import settings_from
from hotgraft.core.errors import ConfigError

if TYPE_CHECKING:
    from hotgraft.core.graph import Graph
    from hotgraft.engine.discovery import Discovery

FORMATS = ("tree", "mermaid", "dot")


@click.command(epilog=EXITS_TEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="HOTGRAFT_CONFIG",
    help="Settings; default: hotgraft.toml in this folder, if it is there.",
)
@click.option(
    "--installed", is_flag=True, help="Also the plugins of installed packages (entry points hotgraft.plugins)."
)
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="To draw in.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[Path, ...], config_file: Path | None, installed: bool, form: str, as_json: bool
) -> None:
    """Show who calls whom among the plugins of hotgraft.toml and PATHS, and in which order they would be loaded.

    PATHS are images, plugin.toml files, or folders with images somewhere in them. None of their code runs. What does
    not fit together is told on stderr, all of it at once, and ends with 3.
    """
    from hotgraft.core.graph_picture import dot, mermaid, tree
    from hotgraft.engine.discovery import discover

    chosen_format(None if form == FORMATS[0] else form, as_json)  # a picture is not lost for an object
    settings = settings_from({"config_file": config_file})
    found = discover(paths, entries=settings.plugins, installed=installed)
    graph = found.graph()
    if not found.found and not found.broken:
        raise _nothing(paths, found)
    if as_json:
        print_json(as_object(found, graph))
        ctx.exit(EXIT_REFUSED if found.broken or graph.violations else 0)
    if form == "tree":
        click.echo("\n".join(filter(None, (tree(graph), _order(found, graph)))))
    else:
        click.echo((mermaid if form == "mermaid" else dot)(graph))
    found.check(graph, tried="put them together", on="the plugins")


def as_object(found: Discovery, graph: Graph) -> dict[str, Any]:
    """Return all of it as JSON has it."""
    origins = {name: one.origin for name, one in found.by_name().items()}
    plugins = graph.as_dict()
    for one in plugins["plugins"]:
        one["origin"] = origins[one["name"]]
    broken = [{"place": one.place, "origin": one.origin, "found": list(one.reasons)} for one in found.broken]
    return {
        "fits": not (broken or graph.violations),
        **plugins,
        "broken": broken,
        "not_plugins": list(found.helpers),
    }


def _order(found: Discovery, graph: Graph) -> str:
    """In which order they are loaded, and where each was found."""
    known = found.by_name()
    if not known:
        return ""
    rows = [
        (f"{number:4}", str(graph.plugins[name]), known[name].facts.where, known[name].origin)
        for number, name in enumerate(graph.load_order, start=1)
    ]
    fits = not (found.broken or graph.violations)
    title = "would be loaded in this order" if fits else "found; none of it would be loaded"
    return f"\n{title}\n{columns(rows)}"


def _nothing(paths: tuple[Path, ...], found: Discovery) -> ConfigError:
    helpers = [f"{one} holds no descriptor" for one in found.helpers]
    return ConfigError(
        "draw the graph",
        on=", ".join(map(str, paths)) or "hotgraft graph",
        found=helpers or ["there is no plugin"],
        advice="name images or folders, or write [plugins.NAME] into hotgraft.toml",
        running="nothing was changed",
    )
