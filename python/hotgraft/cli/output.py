"""What commands print: JSON for scripts, one object per run, and aligned lines for people."""

from __future__ import annotations

import json
import os
import textwrap
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "FORMATS", "chosen_format", "columns", "format_option", "has_colour", "json_lines_option", "json_option",
    "print_json", "table", "wants_json", "written_json",
]  # fmt: skip

FORMATS = ("text", "json", "github")

BENEATH = "    "
_Command = TypeVar("_Command", bound="Callable[..., Any]")
_WANTS_JSON = "hotgraft.cli.output.wants_json"


def has_colour(stream: TextIO) -> bool:
    """Tell whether who reads `stream` sees colours and wants them: a terminal, and no $NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def json_option(command: _Command) -> _Command:
    """Give a command ``--json``; its function is told as `as_json`, and so is whoever reports an error."""
    return _json_option(command, "One JSON object on stdout; words go to stderr.")


def json_lines_option(command: _Command) -> _Command:
    """The same for a command that goes on: an object for each thing that happens."""
    return _json_option(command, "One line of JSON per event; words go to stderr.")


def _json_option(command: _Command, text: str) -> _Command:
    return click.option("--json", "as_json", is_flag=True, callback=_remember, help=text)(command)


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[_WANTS_JSON] = value or wants_json(ctx)  # shared by all contexts of one run
    return value


def format_option(command: _Command) -> _Command:
    """Give a command ``--format``, and ``--json`` for one of its choices; `chosen_format` makes one of the two."""
    option = click.option(
        "--format", "output_format", type=click.Choice(FORMATS), callback=_remember_format,
        help="text for people (default), json, or github: annotations of a workflow's log.",
    )  # fmt: skip
    return option(_json_option(command, "The same as --format json."))


def _remember_format(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    _remember(ctx, _, value == "json")
    return value


def chosen_format(output_format: str | None, as_json: bool) -> str:
    """Return the format that was asked for.

    Raises:
        click.UsageError: two of them.
    """
    if as_json and output_format not in (None, "json"):
        raise click.UsageError(f"--json and --format {output_format}: choose one.")
    return "json" if as_json else output_format or "text"


def wants_json(ctx: click.Context) -> bool:
    """Tell whether the command that ran was given ``--json``."""
    return bool(ctx.meta.get(_WANTS_JSON))


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def written_json(value: Any, depth: int = 0) -> str:
    """Return a value as JSON over several lines, for people to edit; a list of plain values stands on one."""
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value and not (len(value) == 1 and next(iter(value)).startswith("$")):
        pairs = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {written_json(one, depth + 1)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(pairs) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return "[\n" + ",\n".join(f"{inner}{written_json(one, depth + 1)}" for one in value) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False)


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


def columns(rows: Iterable[Sequence[str]], *, width: int | None = None) -> str:
    """Return rows as aligned columns; what does not fit into `width` stands beneath its row, the last cell wrapped."""
    listed = list(rows)
    *widths, _ = [max(map(len, column)) for column in zip(*listed, strict=True)]
    lines: list[str] = []
    for *cells, last in listed:
        padded = [f"{cell:<{size}}" for cell, size in zip(cells, widths, strict=True)]
        *above, line = _filled(padded, width)
        lines += above
        if width is None or len(line) + 2 + len(last) <= width:
            lines.append(f"{line}  {last}".rstrip())
        else:
            beneath = textwrap.wrap(last, width, initial_indent=BENEATH, subsequent_indent=BENEATH)
            lines += [line.rstrip(), *beneath]
    return "\n".join(lines)


def _filled(padded: Sequence[str], width: int | None) -> list[str]:
    """Return cells in as many lines as they take; every row of a table takes the same."""
    line, *rest = padded
    lines: list[str] = []
    for cell in rest:
        if width is not None and len(line) + 2 + len(cell) > width:
            lines.append(line.rstrip())
            line = f"{BENEATH}{cell}"
        else:
            line = f"{line}  {cell}"
    return [*lines, line]
