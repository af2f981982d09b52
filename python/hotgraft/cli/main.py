"""`hotgraft`: one group; a command's module is imported when it is asked for, so that --help is fast."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from hotgraft.cli.exits import EXIT_INTERNAL, EXITS_TEXT, exit_code_of
from hotgraft.cli.output import print_json, wants_json
from hotgraft.core.errors import HotgraftError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# By the order in which an author meets them.
COMMANDS: Final = {
    "new": ("hotgraft.cli.new", "Begin a plugin: a folder that builds, tests itself and hot-reloads."),
    "build": ("hotgraft.cli.build", "Bind and compile a plugin's folder; the image appears in one step."),
    "dev": ("hotgraft.cli.dev", "Build, swap and call a plugin again at every save."),
    "bind": ("hotgraft.cli.bind", "Turn an interface header and plugin.toml into a descriptor."),
    "inspect": ("hotgraft.cli.inspect", "Show what an image is, and what stands against loading it."),
    "check": ("hotgraft.cli.check", "Say whether images would be accepted, for CI."),
    "doctor": ("hotgraft.cli.doctor", "Look at this machine: compiler, loader, kernel, limits, leftovers."),
    "bench": ("hotgraft.cli.bench", "Measure what a call, a swap and a reload cost on this machine."),
    "demo": ("hotgraft.cli.demo", "Replace an audio filter under a running stream, and check every sample."),
    "run": ("hotgraft.cli.run", "Serve the plugins of a hotgraft.toml."),
    "config": ("hotgraft.cli.settings", "See the settings, and where each comes from."),
    "completion": ("hotgraft.cli.completion", "Print what makes the shell complete hotgraft's words."),
}


class LazyGroup(click.Group):
    """A group whose commands are modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        for option in command.params:
            if isinstance(option, click.Option) and option.envvar is None:
                longest = max(option.opts, key=len).lstrip("-")
                option.envvar = f"HOTGRAFT_{cmd_name}_{longest}".replace("-", "_").upper()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command with the nearest name there is."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

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
        try:
            return super().invoke(ctx)
        except HotgraftError as error:
            _end_with(ctx, error)
        except OSError as error:
            if error.filename is None:  # EPIPE and its like are click's to handle
                raise
            click.echo(f"{error.filename}: {error.strerror}; nothing was changed there", err=True)
            ctx.exit(EXIT_INTERNAL)


def _end_with(ctx: click.Context, error: HotgraftError) -> NoReturn:
    if wants_json(ctx):
        print_json({"error": {"kind": type(error).__name__, **_answers(error)}})
    click.echo(str(error), err=True)
    ctx.exit(exit_code_of(error))


def _answers(error: HotgraftError) -> dict[str, Any]:
    names = ("tried", "on", "found", "advice", "running", "output", "command")
    return {name: getattr(error, name) for name in names if hasattr(error, name)}


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Every option can be given as HOTGRAFT_<COMMAND>_<OPTION>: HOTGRAFT_BUILD_JSON=1. {EXITS_TEXT}",
)
@click.version_option(package_name="hotgraft", prog_name="hotgraft")
def cli() -> None:
    """Replace native plugins inside a running process."""


def main() -> None:
    """Run the command line."""
    cli.main(prog_name="hotgraft")


if __name__ == "__main__":
    main()
