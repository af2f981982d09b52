"""Going back to the last good: which image comes up, with what, and what is passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hotgraft
import pytest
from hotgraft import Host, HotgraftError, JournalError
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_reading import export
from hotgraft.engine.store import KEPT_EACH
from hotgraft.engine.watch import content_of
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, PLAIN, SAVES, STATELESS, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.audit import AuditRecord

NEXT = replace(HANDS_OVER, build=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal"


def records_of(folder: Path) -> list[AuditRecord]:
    """Return everything on record."""
    return [row.record for row in export(folder)]


def sha_of(image: Path) -> str:
    """Return the hash of an image."""
    return content_of(str(image)) or ""


def test_the_last_good_set_comes_up_with_its_instances_and_configs(folder: Path, build: Workshop) -> None:
    """Providers first, from the images the journal kept, whatever became of the files."""
    with Host(journal=folder) as host:
        host.load(build(HANDS_OVER), config={"volume": 3})
        host.load("counter", instance="left")
        host.load(build(CALLER_PLUGIN))
        host.reload("counter", build(NEXT))
        with pytest.raises(HotgraftError):
            host.reload("counter", build(HANDS_OVER), config={"fail": "start"})
    with Host(journal=folder) as host:
        assert host.last_good("counter") == str(folder / "images" / f"{sha_of(build(NEXT))}.so")
        host.restore_last_good()
        assert sorted(host) == ["caller", "counter"]
        assert (host["counter"].build(), host["counter", "left"].build()) == (2, 2)
        assert host["caller"].add_there(4) == 4
        configs = {one.name: one.config_json for one in host._loaded("counter").instances.values()}
        assert configs == {"main": '{"volume": 3}', "left": "{}"}
        assert host._loaded("counter").source == str(build(NEXT))  # where a mended image is looked for
        with pytest.raises(ValueError, match="is loaded"):
            host.restore_last_good("counter")


def test_a_damaged_image_is_passed_over_and_that_is_on_record(folder: Path, build: Workshop) -> None:
    """Fault R10: the next known good is used, and the journal says so."""
    with Host(journal=folder) as host:
        host.load(build(HANDS_OVER))
        host.reload("counter", build(NEXT))
        host.reload("counter", build(replace(HANDS_OVER, build=3)))
    damaged, gone = (sha_of(build(replace(HANDS_OVER, build=number))) for number in (3, 2))
    path = folder / "images" / f"{damaged}.so"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (folder / "images" / f"{gone}.so").unlink()
    with Host(journal=folder) as host:
        host.restore_last_good("counter")
        assert host["counter"].build() == 1
    passed = [one for one in records_of(folder) if one.step == "restore"]
    assert [(one.outcome, one.after_sha256) for one in passed] == [("passed over", damaged), ("passed over", gone)]
    assert "is damaged: its hash is" in passed[0].error
    assert "No such file" in passed[1].error


def test_when_no_image_is_left_that_is_said(folder: Path, build: Workshop) -> None:
    """Nothing is loaded, and nothing is made up."""
    with Host(journal=folder) as host:
        host.load(build(STATELESS))
    for one in (folder / "images").iterdir():
        one.unlink()
    with Host(journal=folder) as host:
        assert host.last_good("counter") is None
        for name in ("counter", "nobody"):
            with pytest.raises(JournalError, match="no usable committed image"):
                host.restore_last_good(name)
        assert list(host) == []


def test_a_good_image_that_does_not_come_up_here_is_passed_over(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was good on another machine may need what this one has not."""
    with Host(journal=folder) as host:
        host.load(build(SAVES), config={"volume": 1})
        host.reload("counter", build(replace(SAVES, build=2)))
    with Host(journal=folder) as host:
        tried: list[str] = []

        def at_step(watch: Any, step: str) -> Any:
            if step == "map" and not tried:
                tried.append(step)
                raise hotgraft.LoadError("map it", on="counter", found="libneeded.so.1 is not there")
            return plain(watch, step)

        plain = hotgraft.engine.timing.Stopwatch.__call__
        with monkeypatch.context() as seam:
            seam.setattr(hotgraft.engine.timing.Stopwatch, "__call__", at_step)
            host.restore_last_good()
        assert host["counter"].build() == 1
    (passed,) = [one for one in records_of(folder) if one.step == "restore"]
    assert "libneeded.so.1 is not there" in passed.error


def test_only_the_newest_images_of_a_plugin_are_kept(folder: Path, build: Workshop) -> None:
    """Those of another plugin count for themselves; what was refused leaves nothing."""
    with Host(journal=folder) as host:
        host.load(build(PLAIN))
        host.load(build(STATELESS))
        for number in (2, 3, 4):
            host.reload("counter", build(replace(STATELESS, build=number)))
        with pytest.raises(HotgraftError):
            host.reload("counter", build(replace(STATELESS, build=5)), config={"fail": "create"})
        host.reload("counter", build(replace(STATELESS, build=2)))  # an old one is the newest again
    newest = [sha_of(build(replace(STATELESS, build=number))) for number in (2, 4, 3)]
    assert {one.stem for one in (folder / "images").iterdir()} == {sha_of(build(PLAIN)), *newest}
    assert len(newest) == KEPT_EACH
    (folder / "images" / "left.1.new").write_text("half an image")  # of a host that died while it copied
    journal = Journal(folder)
    assert list(journal.store.good("counter")) == newest
    assert {one.stem for one in (folder / "images").iterdir()} == {sha_of(build(PLAIN)), *newest}
    journal.close()
