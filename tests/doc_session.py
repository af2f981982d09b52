"""A shell that is typed into: what it prints is compared; its folder and exports stay from one block to the next."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

DEADLINE_S: Final = 240
_PRELUDE: Final = """\
if [ -e "$DOC_STATE" ]; then . "$DOC_STATE"; fi
trap 'doc_state=$DOC_STATE; unset DOC_BLOCK DOC_STATE; { declare -px; printf "cd %q\\n" "$PWD"; } >"$doc_state"' EXIT
"""
_PRINTS: Final = re.compile(r"^\s*print\(.*\)  # prints (.*)$", re.MULTILINE)


@dataclass
class Session:
    """Runs commands one after another, each in a bash that begins where the last one ended."""

    folder: Path
    environment: dict[str, str]
    state: Path = field(init=False)  # beside the folder, so that the page's own folder holds nothing of ours

    def __post_init__(self) -> None:
        self.state = self.folder.with_name(f"{self.folder.name}.state")

    def run(self, text: str, *, strict: bool = True, **more: str) -> tuple[str, int]:
        """Return what `text` printed on both streams, and its exit code; `strict`: the first failure ends it."""
        program = ["bash", *(["-euo", "pipefail"] if strict else []), "-c", _PRELUDE + text]
        with subprocess.Popen(
            program,
            cwd=self.folder,
            env={**self.environment, "DOC_STATE": str(self.state), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        ) as shell:
            try:
                return shell.communicate(timeout=DEADLINE_S)[0], shell.returncode
            finally:
                if shell.poll() is None:  # with everything it started
                    os.killpg(shell.pid, signal.SIGKILL)

    @property
    def here(self) -> Path:
        """The folder it is in."""
        if not self.state.exists():
            return self.folder
        return Path(self.run("pwd")[0].rstrip("\n"))


def matches(expected: str, shown: str) -> bool:
    """Whether a page's text is what was shown: `...` alone in a line stands for any lines, inside one for any text."""
    pattern = ""
    for line in expected.rstrip().splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in shown.rstrip().splitlines())) is not None


def commands_of(text: str) -> list[tuple[str, str, int]]:
    """Return the commands of a console block: each with what it is to print, and how it is to end.

    A command stands after "$ " and goes on after "> "; a last line "[3]" says that it ends with 3 instead of 0.
    """
    found: list[tuple[list[str], list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            assert found, f"a console block begins with a command, not with {line!r}"
            found[-1][1].append(line)
    answer = []
    for command, printed in found:
        code = re.fullmatch(r"\[(\d+)\]", printed[-1]) if printed else None
        answer.append(("\n".join(command), "\n".join(printed[:-1] if code else printed), int(code[1]) if code else 0))
    return answer


def promised_prints(code: str) -> str:
    """Return what a Python block says that it prints, in order: ``print(x)  # prints 3``."""
    return "".join(f"...\n{found}\n" for found in _PRINTS.findall(code))
