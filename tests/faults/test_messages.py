"""messages.txt: what people read, word for word, each produced for real.

A message changes only by a change of that file, where a reader can judge it: would a stranger know the next step? What
differs from run to run stands there as <folder>, <hash>, <n>.
"""

from __future__ import annotations

import io
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner
from contract_messages import CONTRACT, words_of
from faulty_files import FILES
from faulty_images import FAULTS
from hotgraft import Host, HotgraftError
from hotgraft.cli.main import cli
from hotgraft.dev.screen import Screen
from hotgraft.dev.session import Session
from hotgraft.dev.sources import Sources
from sample_plugins import PLAIN, Workshop
from test_error_classes import CASES, HEADER, MANIFEST, InChildError, Scene
from test_hazards import HAZARDS

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = Path(__file__).parent
VARYING: Final = (
    (r"\.g(\d+)\.[0-9a-f]{8}\.so", r".g\1.<hash>.so"),
    (r"hotgraft-\d+-\w{8}", "<staged>"),
    (r"\.\d{12}\.\d{8}T\d{6}Z\.", ".<number>.<time>."),
    (r"(it is not in ).*", r"\1<folders>"),
    (r"section \d+ \(\.\w+\): \d+ bytes of code", "section <n> (<name>): <n> bytes of code"),
    (r" /\S*/libstdc", " <system>/libstdc"),
    (r"\b(thread|process) \d+", r"\1 <n>"),
    (r"\d+\.\d{3} s\b", "<n> s"),
    (r"\b\d{2,} ms\b", "<n> ms"),
    (r"\+0x[0-9a-f]+", "+<n>"),
    (r"0x[0-9a-f]{3,}", "<n>"),
    (r"\b(?!1073741824|4294967296|1024)\d{3,}\b", "<n>"),
    (r"lib(asan|gomp)\.so\.\d+", r"lib\1.so.<n>"),
    (r"^.*/bin/python[\d.]*:", "<python>:"),
)


def read_messages() -> dict[str, str]:
    """Return the pinned texts by title."""
    found = re.split(r"^== (.*)\n", (HERE / "messages.txt").read_text(), flags=re.MULTILINE)
    return {title: text.strip("\n") for title, text in zip(found[1::2], found[2::2], strict=True)}


MESSAGES: Final = read_messages()


def refused_reload(scene: Scene, make: Callable[[Workshop, Path], Path]) -> object:
    """Reload what serves with a faulty image."""
    scene.host.load(scene.build(PLAIN))
    return scene.host.reload("plain", make(scene.build, scene.folder))


def from_errors(title: str) -> Callable[[Scene], object] | None:
    """Return what raises the error of this title, from the tables that hold classes, faults and hazards."""
    kind, _, name = title.partition(" ")
    for one, how, culprit in CASES:
        if title == f"{one}: {culprit}":
            return how
    for fault in (*FILES, *FAULTS):
        if (kind, name) == (fault.code, fault.name):
            return lambda scene: refused_reload(scene, fault.make)
    for hazard in HAZARDS:
        if title == f"hazard: {hazard.row}":
            return lambda scene: refused_reload(scene, hazard.make)
    return None


def error_text(scene: Scene, how: Callable[[Scene], object]) -> str:
    """Return the text of what is raised."""
    with pytest.raises((HotgraftError, InChildError)) as caught:
        how(scene)
    return str(caught.value).split("\n" + str(getattr(caught.value, "output", "") or "\0"))[0]


def typed(*words: str) -> str:
    """Return what a command answers a person, and its exit code."""
    done = CliRunner(env={"HOTGRAFT_JOURNAL": "off"}).invoke(cli, words, prog_name="hotgraft")
    return f"$ hotgraft {' '.join(words)}\n{done.output.strip()}\nexit {done.exit_code}"


def faulty(scene: Scene, name: str) -> str:
    """Return the path of an image that is at fault."""
    return str(next(fault for fault in FAULTS if fault.name == name).make(scene.build, scene.folder))


def author_folder(scene: Scene, code: str) -> str:
    """Return a plugin's folder with this source."""
    return str(scene.fill(plugin_toml=MANIFEST, gain_h=HEADER, gain_c=code))


def dev_compile_error(scene: Scene) -> str:
    """Return what `hotgraft dev` shows of a source that does not compile; the compiler's words are its own."""
    shown, folder = io.StringIO(), Path(author_folder(scene, "int f(void) { return 1 }\n"))
    screen = Screen(shown, is_json=False, has_colour=False)
    with tempfile.TemporaryDirectory() as keep:
        Session(folder, Sources((folder,)), scene.host, (), Path(keep), screen.show).answer()
    text = shown.getvalue()
    assert re.search(r"^ +gain\.c:1:\d+: error: ", text, re.MULTILINE), text
    return text.split("\n    gain.c: In")[0].split("\n    gain.c:1")[0].strip("\n")


def build_compile_error(scene: Scene) -> str:
    """Return what `hotgraft build` answers to the same."""
    text = typed("build", author_folder(scene, "int f(void) { return 1 }\n"))
    head, compiler = text.split("to do: ", 1)
    assert re.search(r"gain\.c:1:\d+: error: ", compiler), text
    return f"{head}to do: {compiler.splitlines()[0]}\n{text.splitlines()[-1]}"


def diffed(title: str, scene: Scene) -> str:
    """Return what is answered where callers would break."""
    return typed(*words_of(title, scene.build, scene.folder))


COMMANDS: Final[dict[str, Callable[[Scene], str]]] = {
    "check, refused": lambda scene: typed("check", faulty(scene, "symbol_missing")),
    "check, no plugin": lambda scene: typed("check", faulty(scene, "not_elf")),
    "run, refused": lambda scene: typed("run", faulty(scene, "symbol_missing")),
    "build, does not compile": build_compile_error,
    "dev, does not compile": dev_compile_error,
    **{title: partial(diffed, title) for title in CONTRACT},
}


def as_pinned(text: str, folder: Path, samples: str) -> str:
    """Return `text` with names for what differs from run to run."""
    text = text.replace(str(folder), "<folder>")
    text = re.sub(re.escape(samples) + r"/[0-9a-f]{24}", "<samples>", text)
    text = text.replace(tempfile.gettempdir() + "/hotgraft-", "hotgraft-")
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_thirty_messages_are_pinned() -> None:
    """Fewer were not read."""
    assert len(MESSAGES) >= 30
    assert set(COMMANDS) <= set(MESSAGES)


@pytest.mark.parametrize("title", MESSAGES)
def test_a_message_is_word_for_word_the_one_that_was_read_aloud(build: Workshop, tmp_path: Path, title: str) -> None:
    """Whoever meets it has nothing else to go by."""
    how = from_errors(title)
    with Host(settle_deadline_s=0.1) as host:
        scene = Scene(host, build, tmp_path)
        text = COMMANDS[title](scene) if how is None else error_text(scene, how)

    assert as_pinned(text, tmp_path, str(build.folder)) == MESSAGES[title]
