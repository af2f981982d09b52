"""`hotgraft demo`, end to end: the main job on real input, and every kind of sabotage seen to fail.

Each run is a process of its own, as a person would start it: its exit status and its last line are what is judged.
"""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import demo_check
import demo_compiler
import pytest

ALSA = pathlib.Path("/usr/share/sounds/alsa")  # Debian's alsa-utils
RECORDINGS = (
    *("Front_Center", "Front_Left", "Front_Right", "Noise", "Rear_Center"),
    *("Rear_Left", "Rear_Right", "Side_Left", "Side_Right"),
)
KEYS = (
    *("input", "seconds", "threads", "calls", "failed", "wrong", "swaps", "refused", "state_kept"),
    *("pause_us", "reload_ms", "unload_proven", "stuck", "sha256_output", "sha256_reference"),
)


@dataclass(frozen=True)
class Ended:
    """How a run of the demo ended."""

    status: int
    line: dict[str, Any]  # empty when there was none: the process died
    text: str  # what a person read


@pytest.fixture
def keeping(run_folder: pathlib.Path, tmp_path: pathlib.Path) -> dict[str, str]:
    """An environment whose compiler makes each build once for all recordings: they are the same fifty."""
    keep = run_folder / "demo-images"
    keep.mkdir(exist_ok=True)
    compiler = tmp_path / "keeping-cc"
    words = shlex.join([sys.executable, "-IS", str(pathlib.Path(demo_compiler.__file__)), str(keep)])
    compiler.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    compiler.chmod(0o755)
    return {**os.environ, "CC": str(compiler)}


def run_demo(*arguments: str, deadline_s: float = 240, environment: dict[str, str] | None = None) -> Ended:
    command = [sys.executable, "-c", "from hotgraft.cli.main import main; main()", "demo", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_s, env=environment, check=False)
    last = done.stdout.splitlines()[-1] if done.stdout else "{}"
    return Ended(done.returncode, json.loads(last), done.stderr)


def assert_flawless(ended: Ended, *, swaps: int) -> None:
    line = ended.line
    assert ended.status == 0, ended.text
    assert tuple(line) == KEYS
    assert (line["failed"], line["wrong"], line["stuck"], line["refused"]) == (0, 0, 0, 4)
    assert line["swaps"] == line["unload_proven"] == swaps
    assert line["state_kept"] is True
    assert line["sha256_output"] == line["sha256_reference"]
    assert line["calls"] > 1_000 * line["threads"]
    assert 0 < line["pause_us"]["p50"] <= line["pause_us"]["p99"] <= line["pause_us"]["max"]
    assert 0 < line["reload_ms"]["p50"] <= line["reload_ms"]["p99"]


@pytest.mark.full
def test_the_filter_is_replaced_under_a_stream_and_every_sample_is_right(tmp_path: pathlib.Path) -> None:
    """The whole product in one run, and judged once more by a check that shares no code with it."""
    ended = run_demo("--swaps", "3", "--dump", str(tmp_path / "dump"))

    assert_flawless(ended, swaps=3)
    verdict = demo_check.check(tmp_path / "dump")
    assert verdict.complaints == ()
    assert verdict.calls == ended.line["calls"]


@pytest.mark.full
def test_a_refused_build_is_shown_with_its_reason(tmp_path: pathlib.Path) -> None:
    """An author learns from the reason; "refused" alone would send them to a debugger."""
    ended = run_demo("--swaps", "1")

    assert_flawless(ended, swaps=1)
    assert "does not compile: refused" in ended.text and "error:" in ended.text
    assert 'lacks function "blocks"' in ended.text
    assert ended.text.count("keeps serving") == 4


def test_a_file_that_cannot_be_played_is_refused_in_words(tmp_path: pathlib.Path) -> None:
    """Not with a traceback, and not with the default recording in its place."""
    (tmp_path / "text.wav").write_text("no recording")

    ended = run_demo("--input", str(tmp_path / "text.wav"))

    assert ended.status == 1 and not ended.line
    assert "text.wav: could not play the recording" in ended.text and "Traceback" not in ended.text


@pytest.mark.full
def test_fifty_swaps_under_the_default_recording(tmp_path: pathlib.Path) -> None:
    """The main job: 50 swaps, 4 refusals, nothing lost, at full speed."""
    assert_flawless(run_demo(), swaps=50)


@pytest.mark.full
def test_fifty_swaps_hold_in_numpy_too(tmp_path: pathlib.Path) -> None:
    """The same through the check that shares no code with the demo; more threads than channels."""
    ended = run_demo("--threads", "3", "--dump", str(tmp_path / "dump"))

    assert_flawless(ended, swaps=50)
    assert demo_check.check(tmp_path / "dump").complaints == ()


@pytest.mark.full
@pytest.mark.parametrize("name", RECORDINGS)
def test_fifty_swaps_under_a_real_recording(name: str, keeping: dict[str, str]) -> None:
    """Voices and noise as Debian ships them, not a signal made to suit us.

    The machine's compiler makes every build of the first of them; that of the default recording makes all its own.
    """
    path = ALSA / f"{name}.wav"
    if not path.exists():
        pytest.skip(f"{path} is not installed: apt-get install alsa-utils")
    environment = None if name == RECORDINGS[0] else keeping
    ended = run_demo("--input", str(path), "--threads", "2", environment=environment)

    assert_flawless(ended, swaps=50)
    assert ended.line["input"] == f"{name}.wav"


@pytest.mark.full
@pytest.mark.control
@pytest.mark.parametrize("kind", ["lose-state", "mix", "stale-code"])
def test_sabotage_is_seen(kind: str) -> None:
    """A demo that cannot fail proves nothing: with a safeguard out, its own counting must say so."""
    ended = run_demo("--swaps", "3", "--sabotage", kind)

    assert ended.status not in (0, None) and ended.status > 0, ended.text
    assert ended.line["wrong"] > 0 or ended.line["failed"] > 0
    assert "The demo failed" in ended.text


@pytest.mark.full
@pytest.mark.control
def test_no_drain_is_seen_or_kills_the_process() -> None:
    """Without the drain a call runs in code that is gone: it crashes, or gives a wrong answer."""
    ended = run_demo("--swaps", "40", "--sabotage", "no-drain")

    died = ended.status < 0
    assert died or (ended.status > 0 and (ended.line["wrong"] > 0 or ended.line["failed"] > 0)), ended.text
