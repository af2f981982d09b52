"""What is on record of plugins that were replaced as one: an attempt each, all of them ended in one write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hotgraft import DrainTimeout, Host, HotgraftError, ImageError
from hotgraft.cli.main import cli
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_reading import export, history
from pair_scene import codec, load_pair, player

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """The plugin and step of each record, by the write that they were in."""
    seen: list[list[tuple[str, str]]] = []
    plain = Journal.write

    def write(journal: Journal, records: Any, *args: Any, **more: Any) -> Any:
        seen.append([(one.plugin, one.step) for one in records])
        return plain(journal, records, *args, **more)

    monkeypatch.setattr(Journal, "write", write)
    return seen


def test_intents_come_before_any_code_and_outcomes_in_one_write(
    tmp_path: Path, build: Workshop, writes: list[list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves all of them or none; who belonged together is in each record."""
    folder = tmp_path / "journal"
    with Host(journal=folder, probe="off") as host:
        load_pair(host, build)
        del writes[:]
        monkeypatch.setattr("hotgraft.host.attempt.prepare", _noting(writes))
        report = host.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))}, reason="both")
    assert all(one.journal == "" for one in report.members.values())
    shape = [[step for _, step in one if step in ("intent", "code", "outcome", "commit")] for one in writes[:5]]
    assert shape == [["intent"], ["intent"], ["code"], ["code"], ["outcome", "commit", "outcome", "commit"]]
    codec_row, player_row = history(folder)[-2:]
    assert [one.as_dict()["facts"]["set"] for one in (codec_row, player_row)] == [["codec", "player"]] * 2
    assert "as one with player: both" in CliRunner().invoke(cli, ["history", "--journal", str(folder)]).output


def _noting(writes: list[list[tuple[str, str]]]) -> Any:
    from hotgraft.engine.load import prepare

    def noting(candidate: Any, *args: Any, **more: Any) -> Any:
        writes.append([(candidate.generation.plugin, "code")])
        return prepare(candidate, *args, **more)

    return noting


def test_a_set_that_failed_is_on_record_with_whose_fault_it_was(tmp_path: Path, build: Workshop) -> None:
    """The other's record says that it was not at fault."""
    folder = tmp_path / "journal"
    with Host(journal=folder, probe="off") as host:
        load_pair(host, build)
        with pytest.raises(HotgraftError):
            host.reload_set(
                {"codec": build(codec(2)), "player": build(player(12))}, configs={"player": {"fail": "start"}}
            )
    codec_row, player_row = (one.as_dict() for one in history(folder)[-2:])
    assert codec_row["outcome"] == player_row["outcome"] == "called off"
    assert codec_row["error"].startswith("player: PluginError")
    assert player_row["error"].startswith("PluginError")


def test_an_image_that_is_none_is_on_record_with_its_path_and_whose_it_was_to_be(
    tmp_path: Path, build: Workshop
) -> None:
    """Of several images, "not an ELF image" alone does not say which to mend."""
    folder, text = tmp_path / "journal", tmp_path / "player.c"
    text.write_text("no image")
    with Host(journal=folder, probe="off") as host:
        load_pair(host, build)
        with pytest.raises(ImageError):
            host.reload_set({"codec": build(codec(2, 2)), "player": text})
    codec_row, player_row = (one.as_dict() for one in history(folder)[-2:])
    assert player_row["error"].startswith(f"ImageError: {text}: not an ELF image")
    assert codec_row["error"] == f"player: {player_row['error']}"


def test_a_window_that_all_of_them_waited_in_is_on_record_as_nobodys_fault(tmp_path: Path, build: Workshop) -> None:
    """The pin may be on any of them; the sentence says whose."""
    folder = tmp_path / "journal"
    with Host(journal=folder, probe="off") as host:
        load_pair(host, build)
        with host.pin("codec", "player", who="a render"), pytest.raises(DrainTimeout):
            host.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))}, deadline_s=0.05)
    rows = [one.as_dict()["error"] for one in history(folder)[-2:]]
    assert rows[0] == rows[1]
    assert rows[0].startswith("DrainTimeout: wait for pins: still pinned at the deadline: a render")


def test_a_unit_that_is_committed_is_so_in_one_write(
    tmp_path: Path, build: Workshop, writes: list[list[tuple[str, str]]]
) -> None:
    """What a next host comes up with is one side."""
    folder = tmp_path / "journal"
    with Host(journal=folder, probe="off", probation="on", probation_s=3600.0, probation_max_s=3600.0) as host:
        load_pair(host, build)
        host.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})
        del writes[:]
        host.commit("codec")
        assert sorted(writes[0]) == [("codec", "commit"), ("player", "commit")]
    with Host(journal=folder, probe="off") as host:
        host.restore_last_good()
        assert host["player"].build() == 12_002
    assert [row.record.outcome for row in export(folder)].count("committed") >= 4
