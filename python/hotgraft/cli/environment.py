"""The environment as the command line reads it: a variable per option, and words about one that nothing reads."""

from __future__ import annotations

import difflib
import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from hotgraft.core.options import Options
from hotgraft.core.settings import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["PREFIX", "WholeText", "name_variables", "unread_variables", "variable_behind", "variables_of"]

PREFIX: Final = "HOTGRAFT_"
# Read by this project's own tests and benchmarks, which start commands too.
OURS: Final = frozenset({"HOTGRAFT_TIER", "HOTGRAFT_SEED", "HOTGRAFT_BENCH_PYTHONS", "HOTGRAFT_BENCH_PADDING"})


class WholeText(click.Option):
    """An option that may be given again; its variable holds one value, spaces and all, where click would cut it."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the one value, or None."""
        text = self.resolve_envvar_value(ctx)
        return None if text is None else (text,)


def name_variables(command: click.Command, *words: str) -> click.Command:
    """Let every option of `command`, and of the commands inside it, be given as HOTGRAFT_<COMMAND>_<OPTION>.

    A variable that an option has already comes before that one.
    """
    for option in _options(command):
        longest = max(option.opts, key=len).lstrip("-")
        own = (PREFIX + "_".join((*words, longest))).replace("-", "_").upper()
        option.envvar = list(dict.fromkeys([*_listed(option.envvar), own]))
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            name_variables(inner, *words, name)
    return command


def variable_behind(ctx: click.Context, option: click.Parameter) -> str | None:
    """Return the variable that the option's value was taken from, or None where it was typed or is the default."""
    if ctx.get_parameter_source(str(option.name)) is not ParameterSource.ENVIRONMENT:
        return None
    return next((one for one in _listed(option.envvar) if os.environ.get(one)), None)


def variables_of(command: click.Command) -> Iterator[str]:
    """Return every variable that `command` or a command inside it reads."""
    for option in _options(command):
        yield from _listed(option.envvar)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from variables_of(inner)


def unread_variables(environment: Mapping[str, str], commands: Iterable[click.Command]) -> tuple[str, ...]:
    """Return a sentence for each variable that has our prefix and that nothing reads, with the nearest that is read.

    `commands` is asked only when there is a variable of ours at all: listing it imports every command.
    """
    given = sorted(name for name in environment if name.startswith(PREFIX) and name not in OURS)
    if not given:
        return ()
    known = {f"{PREFIX}{one.name.upper()}" for one in fields(Options)} | {f"{PREFIX}{one.upper()}" for one in RUN}
    for command in commands:
        known.update(variables_of(command))
    return tuple(_sentence(name, known) for name in given if name not in known)


def _sentence(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean ${near[0]}?" if near else "see hotgraft COMMAND --help for what can be said"
    return f"${name} is not read by anything and has no effect; {hint}"


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


def _listed(envvar: str | Iterable[str] | None) -> list[str]:
    return [envvar] if isinstance(envvar, str) else list(envvar or ())
