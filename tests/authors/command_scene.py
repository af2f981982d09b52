"""The command line, run in this process, for the tests of what it says."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from hotgraft.cli.main import cli

if TYPE_CHECKING:
    from pathlib import Path

# What a developer may have set for all builds: these tests say themselves what is set.
UNSET = ("CC", "CXX", "CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_GENERATOR")


def hotgraft(*words: object, folder: Path, code: int = 0, **environment: str) -> tuple[str, str]:
    """Run a command in `folder`; return what it printed on stdout and on stderr.

    Raises:
        AssertionError: it ended with another code.
    """
    wanted: dict[str, str | None] = {**dict.fromkeys(UNSET), **environment}
    with contextlib.chdir(folder):
        done = CliRunner().invoke(cli, [str(word) for word in words], env=wanted, prog_name="hotgraft")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, f"{words} ended with {done.exit_code}:\n{done.output}"
    return done.stdout, done.stderr


def as_json(text: str) -> Any:
    """Return the one object that a command printed."""
    (line,) = text.splitlines()
    return json.loads(line)
