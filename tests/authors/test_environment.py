"""Every option as a variable, and a variable that nothing reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from command_scene import as_json, hotgraft
from hotgraft.cli.environment import unread_variables, variables_of
from hotgraft.cli.main import COMMANDS, cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def every_command() -> list[click.Command]:
    """All commands, imported."""
    found = (cli.get_command(click.Context(cli, **cli.context_settings), name) for name in COMMANDS)
    return [one for one in found if one is not None]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HOTGRAFT_RELOAD_DELY", "HOTGRAFT_RELOAD_DELAY"),
        ("HOTGRAFT_RELAOD_DIR", "HOTGRAFT_RELOAD_DIR"),
        ("HOTGRAFT_SWAP_DEADLINE", "HOTGRAFT_SWAP_DEADLINE_S"),
        ("HOTGRAFT_CALLS", "HOTGRAFT_CALL"),
        ("HOTGRAFT_CONFG", "HOTGRAFT_CONFIG"),
        ("HOTGRAFT_BIULD_JSON", "HOTGRAFT_BUILD_JSON"),
        ("HOTGRAFT_DEV_WAYS", "HOTGRAFT_DEV_WAY"),
    ],
)
def test_misspelt_variable_is_named_with_the_one_that_was_meant(tmp_path: Path, name: str, meant: str) -> None:
    """It has no effect, and nothing else would say so; stdout stays what a script expects."""
    said, words = hotgraft("config", "show", "--json", folder=tmp_path, **{name: "1"})  # type: ignore[arg-type] # no other parameter is called like a variable
    assert words == f"warning: ${name} is not read by anything and has no effect; did you mean ${meant}?\n"
    assert as_json(said)["run.reload"] is False


def test_every_misspelt_variable_is_named_and_no_right_one() -> None:
    """All of them at once, in order; what is far from all names says where to look."""
    known = {one for command in every_command() for one in variables_of(command)}
    assert {"HOTGRAFT_RELOAD_DIR", "HOTGRAFT_DEV_RELOAD_DIR", "HOTGRAFT_CALL", "HOTGRAFT_CONFIG_SHOW_JSON"} < known
    assert unread_variables({**dict.fromkeys(known, "1"), "PATH": "", "HOTGRAF": ""}, every_command()) == ()
    found = unread_variables({"HOTGRAFT_RELOD": "", "HOTGRAFT_DEV_CAL": "", "HOTGRAFT_": ""}, every_command())
    assert [one.split()[0] for one in found] == ["$HOTGRAFT_", "$HOTGRAFT_DEV_CAL", "$HOTGRAFT_RELOD"]


def test_without_a_variable_no_command_is_imported_to_look() -> None:
    """The look must not cost who has nothing set."""

    def commands() -> Iterator[click.Command]:
        raise AssertionError("asked")
        yield

    assert unread_variables({"PATH": "/bin", "HOTGRAFT_TIER": "full"}, commands()) == ()


def test_variables_of_the_projects_own_tests_are_known() -> None:
    """They are set where commands are started by tests, and must not be warned of there."""
    read = re.compile(r"""(?:environ(?:\.get)?[(\[]|getenv\(|environ \| \{|os\.environ, .*)["'](HOTGRAFT_[A-Z_]+)""")
    files = [*ROOT.glob("tests/**/*.[chp]*"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob(".ci/*.py")]
    found = {name for file in files if file.is_file() for name in read.findall(file.read_text(errors="replace"))}
    assert "HOTGRAFT_TIER" in found
    assert unread_variables(dict.fromkeys(found, ""), every_command()) == ()


def test_every_option_of_every_command_has_a_variable_of_its_own() -> None:
    """HOTGRAFT_<COMMAND>_<OPTION>, as `hotgraft --help` says; the short ones come beside it."""

    def check(command: click.Command, *words: str) -> int:
        options = [one for one in command.params if isinstance(one, click.Option)]
        for option in options:
            longest = max(option.opts, key=len).lstrip("-").replace("-", "_")
            assert "_".join(("HOTGRAFT", *words, longest)).upper() in list(option.envvar or ()), (words, longest)
        inner = command.commands if isinstance(command, click.Group) else {}
        return len(options) + sum(check(one, *words, name) for name, one in inner.items())

    assert sum(check(command, name) for name, command in zip(COMMANDS, every_command(), strict=True)) > 40


def test_a_value_from_a_variable_of_a_command_is_told_as_such(tmp_path: Path) -> None:
    """`--origin` is asked by who wonders why a value is what it is."""
    said, _ = hotgraft("config", "show", "--origin", folder=tmp_path, HOTGRAFT_CONFIG_SHOW_RELOAD="1")
    assert "true  ($HOTGRAFT_CONFIG_SHOW_RELOAD)" in said


def test_value_that_is_none_is_told_with_the_variable_it_came_from(tmp_path: Path) -> None:
    """Nobody typed the option that the refusal would name."""
    _, words = hotgraft("dev", folder=tmp_path, code=2, HOTGRAFT_RELOAD_DELAY="soon")
    assert "'--reload-delay': 'soon' is not a valid float range. It was taken from $HOTGRAFT_RELOAD_DELAY." in words
    _, words = hotgraft("dev", "--reload-delay", "soon", folder=tmp_path, code=2, HOTGRAFT_RELOAD_DELAY="1")
    assert "It was taken from" not in words
