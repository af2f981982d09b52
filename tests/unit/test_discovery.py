"""Tests engine/discovery.py: plugins are found in folders, settings and packages, and what is broken is told."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hotgraft.core.errors import DependencyError
from hotgraft.core.settings import read_settings
from hotgraft.engine.discovery import Discovery, discover
from sample_plugins import CALLER_PLUGIN, PLAIN, STATELESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample_plugins import Workshop


@pytest.fixture
def folder(tmp_path: Path, build: Workshop) -> Path:
    """A folder with plugins at several depths, and with what is none."""
    place = tmp_path / "plugins"
    for sample, where in (
        (STATELESS, "counter.so"),
        (CALLER_PLUGIN, "caller/build/caller.so"),
        (PLAIN, ".old/plain.so"),
    ):
        (place / where).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(build(sample), place / where)
    (place / "counter.so.bak").write_bytes(b"no plugin by its name")
    return place


def places(found: Discovery) -> list[str]:
    """Return the last part of each path that is broken."""
    return [Path(one.place).name for one in found.broken]


def test_every_image_in_a_folder_is_found_wherever_it_lies(folder: Path) -> None:
    """But in hidden folders: those are for editors, journals and version control."""
    found = discover([folder])
    assert [(one.name, Path(one.image).relative_to(folder).as_posix()) for one in found.found] == [
        ("counter", "counter.so"),
        ("caller", "caller/build/caller.so"),
    ]
    assert found.broken == ()
    counter = found.found[0]
    assert counter.origin == f"folder {folder}"
    assert counter.facts.digest == hashlib.sha256(Path(counter.image).read_bytes()).hexdigest()
    assert found.graph().load_order == ("counter", "caller")


def test_what_is_broken_is_told_with_the_reason_and_a_helper_is_none_of_it(folder: Path) -> None:
    """A folder is judged as a whole, at once; a library without a descriptor belongs to somebody else there."""
    whole = (folder / "counter.so").read_bytes()
    (folder / "half.so").write_bytes(whole[: len(whole) // 2])
    (folder / "text.so").write_text("not an image")
    os.mkfifo(folder / "pipe.so")
    (folder / "gone.so").symlink_to("nowhere")
    subprocess.run(["cc", "-shared", "-x", "c", "/dev/null", "-o", folder / "libhelper.so"], check=True)
    found = discover([folder, folder / "libhelper.so", folder / "missing.so"])
    assert places(found) == ["gone.so", "half.so", "pipe.so", "text.so", "libhelper.so", "missing.so"]
    assert [Path(one).name for one in found.helpers] == ["libhelper.so"]
    assert "not an ELF image" in str(found.broken[3])
    assert "embeds no descriptor" in str(found.broken[4])  # somebody named it
    with pytest.raises(DependencyError) as caught:
        found.check(found.graph(), tried="load them", on="the plugins")
    assert len(caught.value.found) == 6
    assert caught.value.running == "nothing was loaded"


def test_settings_say_the_name_and_the_priority(folder: Path) -> None:
    """Of two that offer the same the operator's word decides, and only there."""
    text = '[plugins.first]\nimage = "counter.so"\npriority = 1\n[plugins.second]\nimage = "counter.so"\n'
    text += '[plugins.caller]\nimage = "caller/build/caller.so"\n'
    settings = read_settings(text.encode(), path=str(folder / "hotgraft.toml"))
    found = discover(entries=settings.plugins)
    graph = found.graph()
    assert graph.violations == ()
    assert [(one.consumer, one.provider) for one in graph.edges] == [("caller", "first")]
    assert found.found[0].origin == f"{folder / 'hotgraft.toml'}, [plugins.first]"


def test_a_manifest_leads_to_its_image(folder: Path) -> None:
    """And says where it was looked for when it is not there."""
    manifest = folder / "caller" / "plugin.toml"
    manifest.write_text('[plugin]\nname = "caller"\nversion = "1.0.0"\n')
    assert [one.name for one in discover([manifest]).found] == ["caller"]
    shutil.rmtree(folder / "caller" / "build")
    (broken,) = discover([manifest]).broken
    assert len(broken.reasons) == 2


# --- installed packages ---


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    before = set(sys.modules)
    yield place
    for name in set(sys.modules) - before:
        del sys.modules[name]


def install(site: Path, package: str, points: str, *, init: str = "raise RuntimeError('imported')\n") -> Path:
    """Install a package with entry points, as pip leaves it; return its folder."""
    info = site / f"{package}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[hotgraft.plugins]\n{points}\n")
    (site / package).mkdir()
    (site / package / "__init__.py").write_text(init)
    return site / package


def test_an_installed_package_is_found_and_not_imported(site: Path, build: Workshop) -> None:
    """To look costs no more than a file, and a package that cannot be imported here has a plugin all the same."""
    package = install(site, "hotgraft_counter", "counter = hotgraft_counter\ncaller = hotgraft_counter.native")
    (package / "native").mkdir()
    shutil.copyfile(build(STATELESS), package / "counter.so")
    shutil.copyfile(build(CALLER_PLUGIN), package / "native" / "caller.so")
    assert discover().found == ()
    found = discover(installed=True)
    assert {one.name: one.origin for one in found.found} == {
        "caller": "package hotgraft_counter 1.2, entry point caller",
        "counter": "package hotgraft_counter 1.2, entry point counter",
    }
    assert found.broken == ()
    assert "hotgraft_counter" not in sys.modules


def test_a_package_may_choose_its_images_at_run_time(site: Path, build: Workshop) -> None:
    """One build for each processor, say."""
    init = "import pathlib\ndef images():\n    yield pathlib.Path(__file__).with_name('fast.so')\n"
    package = install(site, "hotgraft_fast", "any = hotgraft_fast:images", init=init)
    shutil.copyfile(build(STATELESS), package / "fast.so")
    assert [one.name for one in discover(installed=True).found] == ["counter"]


def test_a_package_at_fault_is_told_and_stops_no_other(site: Path, build: Workshop) -> None:
    """Somebody else's mistake; each with the places that were looked at."""
    install(site, "a_lost", "lost = a_lost\ngone = a_gone")
    install(site, "b_raises", "x = b_raises:images", init="def images():\n    raise KeyError('x')\n")
    install(site, "c_odd", "x = c_odd:images", init="def images():\n    return [1]\n")
    shutil.copyfile(build(STATELESS), install(site, "d_good", "counter = d_good") / "counter.so")
    found = discover(installed=True)
    assert [one.name for one in found.found] == ["counter"]
    assert [str(one) for one in found.broken] == [
        "a_gone (package a_lost 1.2, entry point gone): package a_gone is not there",
        f"a_lost (package a_lost 1.2, entry point lost): {site / 'a_lost' / 'lost.so'}: not there",
        "b_raises:images (package b_raises 1.2, entry point x): KeyError: 'x'",
        "c_odd:images (package c_odd 1.2, entry point x): TypeError: expected str, bytes or os.PathLike "
        "object, not int",
    ]
