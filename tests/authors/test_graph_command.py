"""`hotgraft graph` as a shell sees it: a picture on stdout, what does not fit on stderr, and an exit code."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from command_scene import as_json, hotgraft
from sample_plugins import CALLER_PLUGIN, STATELESS

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop


@pytest.fixture
def folder(tmp_path: Path, build: Workshop) -> Path:
    """Two plugins and a hotgraft.toml that names one of them."""
    (tmp_path / "more").mkdir()
    shutil.copyfile(build(STATELESS), tmp_path / "more" / "counter.so")
    shutil.copyfile(build(CALLER_PLUGIN), tmp_path / "caller.so")
    (tmp_path / "hotgraft.toml").write_text('[plugins.caller]\nimage = "caller.so"\n')
    return tmp_path


def test_a_tree_says_who_calls_whom_in_which_order_and_from_where(folder: Path) -> None:
    """What a person asks before they start it."""
    said, complained = hotgraft("graph", "more", folder=folder)
    assert said.splitlines() == [
        "caller 1.0.0: caller 1.0",
        "└─ counter ^1.0 → counter 1.0.0 (counter 1.0)",
        "",
        "would be loaded in this order",
        f"   1  counter 1.0.0  {folder}/more/counter.so  folder more",
        f"   2  caller 1.0.0   {folder}/caller.so        hotgraft.toml, [plugins.caller]",
    ]
    assert complained == ""


def test_what_does_not_fit_is_told_at_once_with_a_code_for_scripts(folder: Path, build: Workshop) -> None:
    """The picture is still drawn: it shows where."""
    (folder / "more" / "counter.so").unlink()
    (folder / "more" / "text.so").write_text("not an image")
    shutil.copyfile(
        build(replace(CALLER_PLUGIN, name="ring", interface="ring", requires=(("ring", "^1"),))), folder / "r.so"
    )
    said, complained = hotgraft("graph", "more", "r.so", folder=folder, code=3)
    assert "└─ counter ^1.0: MISSING" in said
    assert "found; none of it would be loaded" in said
    assert "caller needs interface counter ^1.0: none of the 2 plugins provides it" in complained
    assert "more/text.so (folder more): not an ELF image" in complained
    assert "ring needs interface ring ^1: ring 1.0.0" in complained
    assert "to do: " in complained


def test_json_holds_all_of_it(folder: Path) -> None:
    """One object, also where it does not fit."""
    fits = as_json(hotgraft("graph", "more", "--json", folder=folder)[0])
    assert (fits["fits"], fits["load_order"], fits["violations"]) == (True, ["counter", "caller"], [])
    assert [one["provider"] for one in fits["edges"]] == ["counter"]
    assert fits["plugins"][1]["origin"] == "folder more"
    not_so = as_json(hotgraft("graph", "--json", folder=folder, code=3)[0])
    assert (not_so["fits"], [one["kind"] for one in not_so["violations"]]) == (False, ["missing"])


@pytest.mark.parametrize(("form", "head"), [("mermaid", "flowchart TD"), ("dot", "digraph hotgraft {")])
def test_pictures_for_documents_are_all_there_is_on_stdout(folder: Path, form: str, head: str) -> None:
    """They are piped into a file."""
    said, _ = hotgraft("graph", "more", "--format", form, folder=folder)
    assert said.splitlines()[0] == head
    assert "counter ^1.0" in said


def test_with_no_plugin_it_says_what_to_name(tmp_path: Path) -> None:
    """An empty folder is a person's first try."""
    assert "[plugins.NAME]" in hotgraft("graph", folder=tmp_path, code=3)[1]
