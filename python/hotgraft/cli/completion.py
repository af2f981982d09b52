"""`hotgraft completion`: click's own completion scripts."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

RULES = {
    "bash": 'eval "$(hotgraft completion bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(hotgraft completion zsh)"   # in ~/.zshrc',
    "fish": "hotgraft completion fish | source   # in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(RULES.values()))
@click.argument("shell", type=click.Choice(list(RULES)))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete hotgraft's commands and options."""
    root = click.get_current_context().find_root()
    maker = get_completion_class(shell)
    assert maker is not None  # the choices are click's own
    click.echo(maker(root.command, {}, "hotgraft", "_HOTGRAFT_COMPLETE").source())
