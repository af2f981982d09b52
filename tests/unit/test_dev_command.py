"""The words of `hotgraft dev`, and the environment that says the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hotgraft.cli.dev import command
from hotgraft.dev.sources import EXCLUDED, INCLUDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.dev.wish import Wish


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Wish]:
    """A function that runs the command and returns what it asked for."""
    wishes: list[Wish] = []
    monkeypatch.setattr("hotgraft.dev.supervisor.supervise", lambda wish, _screen, _pulse: wishes.append(wish))

    def ask(*arguments: str, **environment: str) -> Wish:
        help_names = ["-h", "--help"]  # as under `hotgraft`: click keeps those of a command's first use
        result = CliRunner().invoke(
            command, arguments, env=environment, catch_exceptions=False, help_option_names=help_names
        )
        assert result.exit_code == 0, result.output
        return wishes[-1]

    return ask


def test_what_is_not_said_has_a_default(asked: Callable[..., Wish]) -> None:
    """`hotgraft dev` is all there is to type."""
    wish = asked()
    assert wish.folder == Path.cwd()
    assert (wish.sources.folders, wish.sources.included, wish.sources.excluded) == ((Path.cwd(),), INCLUDED, EXCLUDED)
    assert (wish.calls, wish.delay_s) == ((), 0.05)


@pytest.mark.parametrize("way", ["arguments", "environment"])
def test_arguments_and_environment_say_the_same(asked: Callable[..., Wish], tmp_path: Path, way: str) -> None:
    """uvicorn's words."""
    said = {
        "call": "process([1, 2, 3])",
        "reload-dir": str(tmp_path),
        "reload-include": "*.x",
        "reload-exclude": "old",
        "reload-delay": "0.5",
    }
    if way == "arguments":
        wish = asked(*(word for name, value in said.items() for word in (f"--{name}", value)))
    else:
        wish = asked(**{f"HOTGRAFT_{name.upper().replace('-', '_')}": value for name, value in said.items()})
    assert [call.text for call in wish.calls] == ["process([1, 2, 3])"]
    assert wish.sources.folders == (Path.cwd(), tmp_path)
    assert (wish.sources.included[-1], wish.sources.excluded[-1], wish.delay_s) == ("*.x", "old", 0.5)


def test_an_argument_wins(asked: Callable[..., Wish]) -> None:
    """Over the environment."""
    wish = asked("--call", "a()", "--call", "b()", HOTGRAFT_CALL="c()")
    assert [call.text for call in wish.calls] == ["a()", "b()"]
