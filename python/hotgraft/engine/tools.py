"""Running a compiler or another tool of the author's, whatever its name, its words and its end are."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

from hotgraft.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["how_it_ended", "run_merged", "run_tool", "version_of", "words_of"]


def words_of(variable: str) -> list[str]:
    """Return the words of an environment variable, split and quoted as a shell has it.

    Raises:
        BuildError: a quotation is not closed.
    """
    text = os.environ.get(variable, "")
    try:
        return shlex.split(text)
    except ValueError as error:
        found = f"{text!r}: {str(error).lower()}"
        raise BuildError(f"read ${variable}", found=found, advice="write it as a shell would take it") from None


def run_tool(command: Sequence[str], *, on: str) -> subprocess.CompletedProcess[str]:
    """Run a tool that is on the path to its end, its two streams as one text each.

    A source may be in any encoding, and a compiler quotes it as it is: bytes that are no UTF-8 become U+FFFD.

    Raises:
        BuildError: the system cannot start it: a script without its interpreter, a program of another machine.
    """
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        found = f"{command[0]} could not be started: {error.strerror}"
        raise BuildError("run a tool", on=on, found=found, command=tuple(command)) from None


def run_merged(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a tool as `run_tool` does, with both of its streams as one text, in the order in which it wrote them.

    With the colours of what it runs: ninja takes them out of what it does not write to a terminal.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.run(
        command,
        env={**os.environ, "CLICOLOR_FORCE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def version_of(command: Sequence[str]) -> str:
    """Return what the tool says of its version, empty where it says nothing or cannot be started."""
    try:
        return run_tool([*command, "--version"], on=command[0]).stdout
    except BuildError:
        return ""


def how_it_ended(returncode: int) -> str:
    """Say how a program that did not succeed ended, from what subprocess tells of it."""
    if returncode >= 0:
        return f"ended with {returncode}"
    try:
        return f"was ended by {signal.Signals(-returncode).name}"
    except ValueError:  # one of the real-time signals between SIGRTMIN and SIGRTMAX has no name
        return f"was ended by signal {-returncode}"
