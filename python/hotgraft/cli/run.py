"""`hotgraft run`: serve the plugins of a hotgraft.toml."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotgraft.cli.output import json_lines_option
from hotgraft.cli.settings import settings_from, settings_options

if TYPE_CHECKING:
    from collections.abc import Callable


@click.command()
@click.argument("images", nargs=-1, type=click.Path(exists=True, path_type=Path))
@settings_options
@json_lines_option
def command(images: tuple[Path, ...], as_json: bool, **arguments: Any) -> None:
    """Serve the plugins of hotgraft.toml, and IMAGES: images or plugin.toml files, until ^C.

    With --reload, a plugin is reloaded whenever its image has a new whole content; a build that is refused is told
    once, and the old one serves on. The schema of hotgraft.toml: pydoc hotgraft.core.settings
    """
    from hotgraft.run.serve import run_plugins

    settings = settings_from(arguments, tuple(map(str, images)))
    teller = Teller(_say_json if as_json else _Words().say)
    run_plugins(settings, teller.tell)
    if not as_json:
        teller.tell("stopped", "", {})


class Teller:
    """Tells of events until who reads them has gone; the plugins serve on without.

    Thread safety: one call at a time.
    """

    def __init__(self, say: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._say = say
        self._is_heard = True

    def tell(self, event: str, plugin: str, facts: dict[str, Any]) -> None:
        """Write an event to stdout."""
        if not self._is_heard:
            return
        try:
            self._say(event, plugin, facts)
        except OSError as error:
            self._is_heard = False
            click.echo(f"stdout: {error.strerror}; events are told no more, the plugins serve on", err=True)
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - else Python flushes the old one at its end


class _Words:
    """Says an event for people; a failure that a swap's event and the watch's are both about, once."""

    def __init__(self) -> None:
        self._said: object = None  # the error that was told last

    def say(self, event: str, plugin: str, facts: dict[str, Any]) -> None:
        """Write it to stdout."""
        error, report = facts.get("error"), facts.get("report")
        if event == "stopped":
            click.echo(event)
        elif error is not None:
            if error is not self._said:
                click.echo(f"{plugin + ': ' if plugin else ''}{event}: {error}")
            self._said = error
        elif report is not None:
            click.echo(f"{event}: {report}")
        else:
            words = (f", {name.replace('_', ' ')} {_in_words(value)}" for name, value in facts.items() if value != ())
            click.echo(f"{event}: {plugin}{''.join(words)}")


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _say_json(event: str, plugin: str, facts: dict[str, Any]) -> None:
    plain = {name: value.as_dict() if hasattr(value, "as_dict") else value for name, value in facts.items()}
    click.echo(json.dumps({"event": event, "plugin": plugin, **plain}, default=str))
