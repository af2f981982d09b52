"""`hotgraft run` and `hotgraft config show`, in a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import hotgraft
import pytest
from hotgraft.core.order import providers_first
from hotgraft.engine.stage import inspect_file
from sample_plugins import CALLER_PLUGIN, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop

COMMAND = (sys.executable, "-m", "hotgraft.cli.main")


@pytest.fixture
def folder(tmp_path: Path, build: Workshop) -> Path:
    """Two plugins, the consumer named before its provider, and a hotgraft.toml."""
    shutil.copyfile(build(Sample()), tmp_path / "counter.so")
    shutil.copyfile(build(CALLER_PLUGIN), tmp_path / "caller.so")
    plugins = '[plugins.caller]\nimage = "caller.so"\n[plugins.counter]\nimage = "counter.so"\n'
    (tmp_path / "hotgraft.toml").write_text(f"{plugins}[host]\nclose_deadline_s = 20\n")
    return tmp_path


def read_event(stream: IO[str], name: str) -> dict[str, Any]:
    """Return the next event of that name; the test's own timeout ends a wait for one that never comes."""
    for line in stream:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == name:
            return event
    raise AssertionError(f"it ended before {name}")


def test_plugins_are_served_and_reloaded_until_it_is_told_to_stop(folder: Path, build: Workshop) -> None:
    """Providers first; a new image is taken, a broken one refused once; ^C closes the host and leaves nothing."""
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "HOTGRAFT_RELOAD": "1"}
    with subprocess.Popen(
        [*COMMAND, "run", "--json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert [read_event(process.stdout, "plugin.loaded")["plugin"] for _ in range(2)] == ["counter", "caller"]
        for image, event in ((Sample(build=2), "swap.published"), (Sample(interface_version=(2, 0)), "watch.refused")):
            fresh = folder / "fresh.so"
            shutil.copyfile(build(image), fresh)
            fresh.replace(folder / "counter.so")
            assert read_event(process.stdout, event)["plugin"] == "counter"
        process.send_signal(signal.SIGINT)
        assert [json.loads(line)["plugin"] for line in process.stdout] == ["caller", "counter"]
        assert process.wait(60) == 0
        assert "is refused" in process.stderr.read()
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.full
def test_a_plugin_gets_what_the_file_grants_it(folder: Path, build: Workshop) -> None:
    """Without the line it does not come up; with it it does."""
    shutil.copyfile(build(Sample(permissions=("network",))), folder / "counter.so")
    done = subprocess.run([*COMMAND, "run"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "asks for permission 'network', which waits for a grant" in done.stderr
    file = folder / "hotgraft.toml"
    file.write_text(file.read_text().replace("[plugins.counter]", '[plugins.counter]\ngrants = ["network"]'))
    assert ("plugin.loaded", "counter") in [(one["event"], one["plugin"]) for one in run_until_told(folder)]


def test_a_plugin_that_cannot_be_loaded_ends_it(folder: Path) -> None:
    """Exit 3: refused, with the reason."""
    (folder / "counter.so").write_bytes(b"not an image")
    environment = {**os.environ, "HOTGRAFT_SETTLE_DEADLINE_S": "0.1"}
    done = subprocess.run([*COMMAND, "run"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "counter.so" in done.stderr


def test_everything_that_does_not_fit_is_told_at_once_and_nothing_is_loaded(folder: Path, build: Workshop) -> None:
    """Somebody starts a service in the night: one look must tell all that is to be mended."""
    shutil.copyfile(build(replace(CALLER_PLUGIN, name="picky", requires=(("counter", "^2"),))), folder / "picky.so")
    shutil.copyfile(build(replace(CALLER_PLUGIN, name="alone", requires=(("nobody", "^1"),))), folder / "alone.so")
    words = [*COMMAND, "run", "picky.so", "alone.so", "--journal", "off"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "alone needs interface nobody ^1: none of the 4 plugins provides it" in done.stderr
    assert "picky needs interface counter ^2: counter 1.0.0 (counter.so) offers counter 1.0" in done.stderr


def run_until_told(folder: Path, *words: str) -> list[dict[str, Any]]:
    """Serve until every plugin of the folder is loaded, then end it; return its events."""
    environment = {**os.environ, "HOTGRAFT_SETTLE_DEADLINE_S": "0.1"}
    with subprocess.Popen(
        [*COMMAND, "run", "--json", *words], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        events = [json.loads(process.stdout.readline()) for _ in range(2)]
        if any(one["event"] == "plugin.restored" for one in events):
            events.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        events += map(json.loads, process.stdout)
        assert process.wait(60) == 0
    return events


@pytest.mark.full
def test_an_image_that_is_not_usable_is_served_from_the_journal(folder: Path, build: Workshop) -> None:
    """The last good set comes up after a restart, and says why it is not the configured one."""
    run_until_told(folder)
    assert (folder / ".hotgraft" / "journal.db").exists()
    (folder / "counter.so").write_bytes(b"not an image")

    events = run_until_told(folder)

    assert [(one["event"], one["plugin"]) for one in events] == [
        ("plugin.loaded", "counter"),
        ("plugin.restored", "counter"),
        ("plugin.loaded", "caller"),
        ("plugin.closed", "caller"),
        ("plugin.closed", "counter"),
    ]
    assert events[0]["report"]["image"].startswith(str(folder / ".hotgraft" / "images"))
    assert "its last good image serves" in events[1]["error"]
    (folder / "counter.so").unlink()  # gone is not usable either
    assert ("plugin.restored", "counter") in [(one["event"], one["plugin"]) for one in run_until_told(folder)]


@pytest.mark.full
def test_a_restored_plugin_takes_a_mended_image_from_its_old_place(folder: Path, build: Workshop) -> None:
    """Else the watch would look at the journal's copy for ever."""
    run_until_told(folder)
    (folder / "counter.so").write_bytes(b"not an image")
    environment = {**os.environ, "HOTGRAFT_SETTLE_DEADLINE_S": "0.1", "HOTGRAFT_RELOAD": "1"}
    with subprocess.Popen(
        [*COMMAND, "run", "--json"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        read_event(process.stdout, "plugin.restored")
        fresh = folder / "fresh.so"
        shutil.copyfile(build(Sample(build=2)), fresh)
        fresh.replace(folder / "counter.so")
        assert read_event(process.stdout, "swap.published")["report"]["generation"] == 2
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.full
def test_a_journal_is_kept_where_it_is_said_or_nowhere(folder: Path) -> None:
    """One word switches it off."""
    run_until_told(folder, "--journal", "off")
    assert not (folder / ".hotgraft").exists()
    with (folder / "hotgraft.toml").open("a") as file:
        file.write('journal = "records"\n')  # of [host], the last table
    run_until_told(folder)
    assert (folder / "records" / "journal.db").exists()


def test_with_nothing_to_serve_it_says_what_to_write(tmp_path: Path) -> None:
    """An empty folder is a person's first try."""
    done = subprocess.run([*COMMAND, "run"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "[plugins.NAME]" in done.stderr


def test_plugins_that_require_each_other_are_refused(build: Workshop) -> None:
    """There is no order to load them in."""
    first = build(
        Sample(
            source="host_caller", name="a", interface="a", functions=CALLER_PLUGIN.functions, requires=(("b", "^1.0"),)
        )
    )
    second = build(
        Sample(
            source="host_caller", name="b", interface="b", functions=CALLER_PLUGIN.functions, requires=(("a", "^1.0"),)
        )
    )
    described = [(one.stem, one, inspect_file(str(one), settle_deadline_s=5)[0]) for one in (first, second)]
    with pytest.raises(hotgraft.DependencyError, match=r"a → b → a: .*require each other"):
        providers_first(described)


def test_config_show_says_what_counts_and_where_it_comes_from(folder: Path) -> None:
    """So that nobody has to guess which file was read."""
    environment = {**os.environ, "HOTGRAFT_SWAP_DEADLINE_S": "3"}
    done = subprocess.run(
        [*COMMAND, "config", "show", "--origin", "--json", "--pin-deadline-s", "9"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = json.loads(done.stdout)
    assert shown["host.pin_deadline_s"] == {"value": 9.0, "origin": "argument"}
    assert shown["host.swap_deadline_s"] == {"value": 3.0, "origin": "$HOTGRAFT_SWAP_DEADLINE_S"}
    assert shown["host.close_deadline_s"] == {"value": 20, "origin": "hotgraft.toml"}
    assert shown["host.settle_deadline_s"] == {"value": 5.0, "origin": "default"}
    assert shown["plugins.counter"]["origin"] == "hotgraft.toml"


def test_another_file_is_read_instead(folder: Path, tmp_path: Path) -> None:
    """--config before ./hotgraft.toml; one that is not there is an error."""
    other = tmp_path / "other.toml"
    other.write_text("[run]\nreload = true\n")
    done = subprocess.run(
        [*COMMAND, "config", "show", "--config", str(other)], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "run.reload" in done.stdout
    assert "plugins." not in done.stdout
    done = subprocess.run(
        [*COMMAND, "config", "show", "--config", "gone.toml"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "gone.toml" in done.stderr) == (3, True)
