"""`hotgraft status`: what running hosts serve, and what keeps their old generations in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.asking import host_option
from hotgraft.cli.exits import EXIT_NO_HOST, EXITS_TEXT
from hotgraft.cli.output import columns, json_option, print_json
from hotgraft.core.errors import HotgraftError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH = 100  # of a line
_HEAD = ("plugin", "version", "generation", "stage", "calls/s", "calls", "errors", "pins", "leases", "")


@click.command(epilog=EXITS_TEXT)
@host_option
@json_option
@click.pass_context
def command(ctx: click.Context, host: str, as_json: bool) -> None:
    """Show what every `hotgraft run` of this user serves.

    Calls, errors and calls per second are of the generation that serves; the rate is that since somebody asked last.
    """
    from hotgraft.core.wire import Request
    from hotgraft.run.asking import ask, hosts

    answers: list[dict[str, Any]] = []
    failures: list[str] = []
    for path in hosts(host):
        try:
            answers.append({"socket": str(path), **ask(path, Request(ask="status"), within_s=10.0)})
        except HotgraftError as error:
            failures.append(str(error))
    for failure in failures:
        click.echo(failure, err=True)
    if as_json:
        print_json({"hosts": answers})
    else:
        click.echo("\n\n".join("\n".join(_host(one)) for one in answers))
    ctx.exit(0 if answers and not failures else EXIT_NO_HOST)


def _host(answer: Mapping[str, Any]) -> Iterator[str]:
    plugins = answer["plugins"]
    yield f"process {answer['pid']}: {len(plugins)} plugin{'' if len(plugins) == 1 else 's'}"
    if answer["tainted"]:
        yield f"  tainted: {answer['tainted']}; start it anew before its results count"
    if plugins:
        yield "\n".join(f"  {line}".rstrip() for line in columns([_HEAD, *map(_row, plugins)]).splitlines())
    for one in plugins:
        yield from (f"  {sentence}" for sentence in _sentences(one))


def _row(plugin: Mapping[str, Any]) -> tuple[str, ...]:
    counted = plugin["instances"]
    total = {name: sum(one[name] for one in counted) for name in ("calls", "errors")}
    return (
        plugin["plugin"],
        plugin["version"],
        str(plugin["generation"]),
        plugin["stage"] + (", on probation" if plugin["is_on_probation"] else ""),
        f"{plugin['calls_per_s']:,.1f}",
        f"{total['calls']:,}",
        f"{total['errors']:,}",
        str(plugin["pin_count"]),
        str(len(plugin["leases"])),
        "" if len(counted) == 1 else f"{len(counted)} instances",
    )


def _sentences(plugin: Mapping[str, Any]) -> Iterator[str]:
    name = plugin["plugin"]
    if plugin["pins"]:
        yield f"{name}: pinned: {plugin['pins']}"
    yield from (f"{name}: leased: {one}" for one in plugin["leases"])
    yield from (f"on its way out: {one}" for one in plugin["waiting"])
    for one in plugin["stuck"]:
        symbol = f" ({one['symbol']})" if one["symbol"] else ""
        yield f"stuck: generation {one['generation']} of {one['plugin']}: {one['reason']}{symbol}"
    for one in plugin["instances"]:
        if one["turned_away"]:
            yield f"{name}: {one['turned_away']:,} calls of {one['instance']} were turned away at its gate"
        if one["crashes"]:
            yield f"{name}: {one['crashes']:,} calls of {one['instance']} crashed and were caught"
