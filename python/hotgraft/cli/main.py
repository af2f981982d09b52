"""`hotgraft`: one group; a command's module is imported when it is asked for, so that --help is fast."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from hotgraft.cli.environment import name_variables, unread_variables, variable_behind
from hotgraft.cli.exits import EXIT_INTERNAL, EXIT_INTERRUPTED, EXITS_TEXT, exit_code_of
from hotgraft.cli.groups import HelpfulGroup
from hotgraft.cli.output import print_json, wants_json
from hotgraft.core.errors import HotgraftError
from hotgraft.dev import PULSE_VARIABLE

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# By the order in which an author meets them.
COMMANDS: Final = {
    "new": ("hotgraft.cli.new", "Begin a plugin: a folder that builds, tests itself and reloads."),
    "build": ("hotgraft.cli.build", "Bind and compile a plugin's folder."),
    "dev": ("hotgraft.cli.dev", "Build, swap and call a plugin again at every save."),
    "bind": ("hotgraft.cli.bind", "Turn an interface header and plugin.toml into a descriptor."),
    "inspect": ("hotgraft.cli.inspect", "Show what an image is, and what stands against loading it."),
    "diff": ("hotgraft.cli.diff", "Say what a new image or header means for who relies on the old."),
    "check": ("hotgraft.cli.check", "Say whether images would be accepted, for CI."),
    "graph": ("hotgraft.cli.graph", "Show who calls whom, and what does not fit together."),
    "doctor": ("hotgraft.cli.doctor", "Look at this machine: compilers, loader, limits, leftovers."),
    "bench": ("hotgraft.cli.bench", "Measure what a call, a swap and a reload cost on this machine."),
    "demo": ("hotgraft.cli.demo", "Replace an audio filter under a running stream; check it all."),
    "run": ("hotgraft.cli.run", "Serve the plugins of a hotgraft.toml."),
    "status": ("hotgraft.cli.status", "Show what running hosts serve."),
    "plan": ("hotgraft.cli.plan", "Say what a running host would do to replace a plugin."),
    "reload": ("hotgraft.cli.reload", "Let a running host replace a plugin."),
    "rollback": ("hotgraft.cli.rollback", "Let a running host go back to what served before."),
    "state": ("hotgraft.cli.state", "Show, export, import and compare snapshots of state."),
    "history": ("hotgraft.cli.history", "Show what was changed, by whom and why, and how it ended."),
    "audit": ("hotgraft.cli.audit", "Check, sum up and export the journal's chain of records."),
    "config": ("hotgraft.cli.settings", "See the settings, and where each comes from."),
    "completion": ("hotgraft.cli.completion", "Print what makes the shell complete hotgraft's words."),
}


class LazyGroup(HelpfulGroup):
    """A group whose commands are modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        return name_variables(importlib.import_module(COMMANDS[cmd_name][0]).command, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing any."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a refusal ends with its words on stderr, as JSON on stdout where asked for, and its code."""
        commands = (command for name in COMMANDS if (command := self.get_command(ctx, name)) is not None)
        is_told = PULSE_VARIABLE in os.environ  # by who started this process, with the same environment
        for sentence in () if is_told else unread_variables(os.environ, commands):
            click.echo(f"warning: {sentence}", err=True)
        try:
            return super().invoke(ctx)
        except click.BadParameter as error:
            variable = variable_behind(error.ctx, error.param) if error.ctx and error.param else None
            if variable is None:
                raise
            text = f"{error.message} It was taken from ${variable}."
            raise click.BadParameter(text, ctx=error.ctx, param=error.param) from None
        except KeyboardInterrupt:  # click would call it an internal error
            ctx.exit(EXIT_INTERRUPTED)
        except HotgraftError as error:
            _end(ctx, str(error), {"kind": type(error).__name__, **_answers(error)}, exit_code_of(error))
        except OSError as error:
            if error.errno == errno.EPIPE:  # who read stdout went: click ends quietly
                raise
            found = error.strerror or str(error)
            words = found if error.filename is None else f"{error.filename}: {found}; nothing was changed there"
            facts = {"kind": type(error).__name__, "on": str(error.filename or ""), "found": [found]}
            _end(ctx, words, facts, EXIT_INTERNAL)


def _end(ctx: click.Context, words: str, facts: dict[str, Any], code: int) -> NoReturn:
    click.echo(words, err=True)
    if wants_json(ctx):
        with contextlib.suppress(OSError):  # stdout may be what failed
            print_json({"error": facts})
    ctx.exit(code)


def _answers(error: HotgraftError) -> dict[str, Any]:
    names = ("tried", "on", "found", "advice", "running", "output", "command")
    return {name: getattr(error, name) for name in names if hasattr(error, name)}


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Every option can be given as HOTGRAFT_<COMMAND>_<OPTION>: HOTGRAFT_BUILD_JSON=1.\n\n{EXITS_TEXT}",
)
@click.version_option(package_name="hotgraft", prog_name="hotgraft")
def cli() -> None:
    """Replace native plugins inside a running process."""


def main() -> None:
    """Run the command line; what a stream's encoding has no form for is written as its code, also in JSON."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # it may be closed
            stream.reconfigure(errors="backslashreplace")
    cli.main(prog_name="hotgraft")


if __name__ == "__main__":
    main()
