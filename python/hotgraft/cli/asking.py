"""What the commands that ask a running host have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from hotgraft.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Command = TypeVar("_Command", bound="Callable[..., Any]")

__all__ = ["ask_one", "ask_set", "check_name", "host_option", "image_options", "images_option", "reason_option", "tell"]


def host_option(command: _Command) -> _Command:
    """Say which host is asked."""
    text = "The host: its process number, or the path of its socket. Default: the only one that runs."
    return click.option("--host", "host", default="", metavar="PID|SOCKET", help=text)(command)


def reason_option(command: _Command) -> _Command:
    """Say why, for the journal."""
    return click.option("--reason", default="", metavar="TEXT", help="Why, for the journal.")(command)


def image_options(command: _Command) -> _Command:
    """Say which image of the plugin is meant."""
    options = (
        click.option("--version", default="", metavar="VERSION", help="The known image of exactly this version."),
        click.option("--digest", default="", metavar="SHA256", help="The known image whose hash begins so."),
        click.option("--path", default="", metavar="IMAGE", help="This image; only if the host allows paths."),
        click.option("--allow-downgrade", is_flag=True, help="Let a lower version in."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def images_option(command: _Command) -> _Command:
    """Say which image each of several plugins is to have."""
    text = "The image of one of several plugins, or of one that is not loaded yet; only if the host allows paths."
    return click.option("--image", "images", multiple=True, metavar="NAME=PATH", callback=_named_paths, help=text)(
        command
    )


def ask_set(host: str, ask: str, plugins: tuple[str, ...], images: Mapping[str, str], **what: Any) -> dict[str, Any]:
    """Ask the one host that is meant about one plugin, or about several as one, and return its answer.

    Raises: as `ask_one`.
    """
    if not plugins and not images:
        raise click.UsageError("Missing argument 'PLUGIN...'.")
    twice = next((one for one in plugins if plugins.count(one) > 1), None)
    if twice is not None:
        raise click.UsageError(f"{twice} is named twice.")
    _check_names(plugins)
    if len(plugins) == 1 and not images:
        return ask_one(host, ask, plugin=plugins[0], **what)
    chosen = [f"--{name}" for name in ("version", "digest", "path") if what.get(name)]
    if chosen:
        raise click.UsageError(f"{chosen[0]} is of one plugin: say --image NAME=PATH.")
    return ask_one(host, ask, plugins=plugins, paths=dict(images), **what)


def check_name(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse what cannot be the name of a plugin, before any host is asked."""
    _check_names((name,))
    return name


def _check_names(names: tuple[str, ...]) -> None:
    for one in names:
        if not one:
            raise click.UsageError("A plugin's name is empty; hotgraft status lists those that are loaded.")
        if "=" in one:
            raise click.UsageError(f"{one!r} is no plugin's name; an image is said with --image {one}.")
        if one.endswith((".so", ".toml")):
            raise click.UsageError(f"{one!r} is a file; say the plugin's name, as hotgraft status lists it.")


def _named_paths(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Return by plugin the absolute path of its image: the host has a folder of its own."""
    from pathlib import Path

    found: dict[str, str] = {}
    for one in given:
        name, separator, path = one.partition("=")
        if not (name and separator and path):
            raise click.BadParameter(f"{one!r} is not NAME=PATH")
        if name in found:
            raise click.BadParameter(f"{name} has two images")
        found[name] = str(Path(path).absolute())
    return found


def ask_one(host: str, ask: str, **what: Any) -> dict[str, Any]:
    """Ask the one host that is meant, and return its answer.

    Raises:
        NoHost: none, or several. HotgraftError: what the host refused with. click.UsageError: two images are chosen.
    """
    from pathlib import Path

    from hotgraft.core.wire import Request
    from hotgraft.run.asking import ask as ask_host
    from hotgraft.run.asking import the_host

    chosen = [f"--{name}" for name in ("version", "digest", "path") if what.get(name)]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)}: choose one.")
    if what.get("path"):
        what["path"] = str(Path(what["path"]).absolute())  # the host has a folder of its own
    return ask_host(the_host(host), Request(ask=ask, **what))


def tell(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print an answer that has words for people."""
    words = answer.pop("words", "")
    if as_json:
        print_json(answer)
    else:
        click.echo(words)
