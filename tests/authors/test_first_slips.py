"""Commands that ask hosts and read journals, with what a newcomer types: each answer names the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from command_scene import hotgraft
from hotgraft.engine.journal import Journal
from test_journal_commands import attempt

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("state", "shwo"), "No such command 'shwo'. Did you mean 'show'?"),
        (("state", "zzz"), "No such command 'zzz'. Known: "),
        (("audit", "verfy"), "No such command 'verfy'. Did you mean 'verify'?"),
        (("config", "shoe"), "No such command 'shoe'. Did you mean 'show'?"),
        (("plan", ""), "A plugin's name is empty; hotgraft status lists those that are loaded."),
        (("reload", "gain", ""), "A plugin's name is empty"),
        (("rollback", ""), "A plugin's name is empty"),
        (("plan", "gain=two.so"), "'gain=two.so' is no plugin's name; an image is said with --image gain=two.so."),
        (("reload", "build/gain.so"), "'build/gain.so' is a file; say the plugin's name, as hotgraft status lists it."),
        (("rollback", "plugin.toml"), "'plugin.toml' is a file"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_host_is_asked(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    """Exit 2: how it is typed is wrong, whatever runs."""
    assert sentence in hotgraft(*words, folder=tmp_path, code=2)[1]


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("abc", "'abc' is no process number, and no socket is there"),
        ("./abc.sock", "no socket is there"),
        ("999999999", "process 999999999 has no socket there: it serves no plugins, or its socket is off or elsewhere"),
        ("notes.txt", "that is no socket"),
    ],
)
@pytest.mark.parametrize("command", [("status",), ("plan", "gain"), ("reload", "gain"), ("rollback", "gain")])
def test_a_host_that_is_named_and_not_there(
    tmp_path: Path, command: tuple[str, ...], named: str, sentence: str
) -> None:
    """ "No such file" leaves open whether the process, the path or the socket is meant; who answers is named."""
    (tmp_path / "notes.txt").touch()
    said = hotgraft(*command, "--host", named, folder=tmp_path, code=8)[1]
    assert sentence in said
    assert "hosts of this user that answer: none" in said
    assert "hotgraft run" in said


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("gone", "no folder of that name is there"),
        ("notes.txt", "that is a file, and a journal is a folder"),
        ("empty", "that folder holds no journal.db"),
    ],
)
def test_a_journal_that_is_none(tmp_path: Path, place: str, why: str) -> None:
    """The path in full, because it is looked for from where the command was typed."""
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    said = hotgraft("history", "--journal", place, folder=tmp_path, code=3)[1]
    assert f"{tmp_path / place}: could not read the journal: there is none: {why}; nothing was changed" in said


def test_a_name_that_is_not_on_record_is_answered_with_those_that_are(tmp_path: Path) -> None:
    """As everywhere a name is misspelt."""
    journal = Journal(tmp_path / ".hotgraft")
    for name in ("gain", "mix"):
        journal.write(attempt(f"1.{name}", ("outcome", "published"), plugin=name), keeps=False)
    journal.abandon()
    said = hotgraft("history", "gian", folder=tmp_path, code=5)[1]
    assert "nothing on record of gian, only of: gain, mix; did you mean 'gain'?" in said


def test_settings_that_are_not_there_are_told_with_the_way_out(tmp_path: Path) -> None:
    """To mend values was no advice for a file that nobody has written."""
    said = hotgraft("history", "--config", "gone.toml", folder=tmp_path, code=3)[1]
    assert f"{tmp_path / 'gone.toml'}: could not read the settings: No such file or directory" in said
    assert "to do: name a file that can be read; without --config it is hotgraft.toml" in said
