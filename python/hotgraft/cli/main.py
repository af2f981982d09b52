"""`hotgraft`: one group; a command's module is imported when it is asked for, so that --help is fast."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Final

import click

from hotgraft.core.errors import HotgraftError

# Exit codes: what a script can decide by.
EXIT_INTERNAL: Final = 1
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 3
EXIT_REGRESSION: Final = 7

COMMANDS: Final = {
    "bench": ("hotgraft.cli.bench", "Measure what a call, a swap and a reload cost on this machine."),
    "bind": ("hotgraft.cli.bind", "Turn an interface header and plugin.toml into a descriptor."),
    "demo": ("hotgraft.cli.demo", "Replace an audio filter under a running stream, and check every sample."),
}


class LazyGroup(click.Group):
    """A group whose commands are modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, those of modules and those added."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("hotgraft"), prog_name="hotgraft")
def cli() -> None:
    """Replace native plugins inside a running process.

    Exit codes: 0 done, 1 internal error, 2 usage, 3 refused (nothing changed), 7 regression.
    """


def main() -> None:
    """Run the command line; a refusal ends with its words on stderr and exit 3."""
    try:
        cli.main(prog_name="hotgraft")
    except HotgraftError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
