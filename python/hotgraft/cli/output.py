"""What commands print: JSON for scripts, one object per run, and aligned lines for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["json_option", "print_json", "table", "wants_json"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_WANTS_JSON = "hotgraft.cli.output.wants_json"


def json_option(command: _Command) -> _Command:
    """Give a command ``--json``; its function is told as `as_json`, and so is whoever reports an error."""
    return click.option(
        "--json", "as_json", is_flag=True, callback=_remember, help="One JSON object on stdout; words go to stderr."
    )(command)


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[_WANTS_JSON] = value  # shared by all contexts of one run
    return value


def wants_json(ctx: click.Context) -> bool:
    """Tell whether the command that ran was given ``--json``."""
    return bool(ctx.meta.get(_WANTS_JSON))


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(rows: Iterable[tuple[str, str]], *, indent: int = 2) -> str:
    """Return rows of two columns, the second aligned; its further lines stand under its first."""
    listed = list(rows)
    width = max((len(left) for left, _ in listed), default=0)
    lines = []
    for left, right in listed:
        first, *more = right.split("\n")
        lines.append(f"{'':{indent}}{left:<{width}}  {first}".rstrip())
        lines += [f"{'':{indent}}{'':{width}}  {line}".rstrip() for line in more]
    return "\n".join(lines)
