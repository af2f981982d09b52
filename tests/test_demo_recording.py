"""hotgraft.demo.recording: what is streamed is what the file holds."""

from __future__ import annotations

import hashlib
import struct
import wave
from typing import TYPE_CHECKING

import pytest
from hotgraft.demo.recording import RecordingError, read_recording, write_recording

if TYPE_CHECKING:
    import pathlib

SAMPLES = (0.0, 0.5, -0.5, -1.0, 0.25, 0.75)  # left, right, left, …


def write_wav(path: pathlib.Path, width: int, frames: bytes, *, channels: int = 2) -> pathlib.Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(8_000)
        file.writeframes(frames)
    return path


@pytest.mark.parametrize("width", [2, 3, 4])
def test_samples_of_16_24_and_32_bits_are_read_as_they_are(tmp_path: pathlib.Path, width: int) -> None:
    """A sample read wrongly would be streamed wrongly on both sides, and no comparison would see it."""
    scale = 1 << (8 * width - 1)
    frames = b"".join(int(sample * scale).to_bytes(width, "little", signed=True) for sample in SAMPLES)

    recording = read_recording(write_wav(tmp_path / "a.wav", width, frames))

    assert [list(channel) for channel in recording.channels] == [[0.0, -0.5, 0.25], [0.5, -1.0, 0.75]]
    assert (recording.rate, recording.name, recording.seconds) == (8_000, "a.wav", 3 / 8_000)


def test_files_that_cannot_be_played_are_refused_in_words(tmp_path: pathlib.Path) -> None:
    """The first thing somebody tries is a file of their own; a traceback would be the last."""
    floats = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 44, b"WAVE", b"fmt ", 16, 3, 1, 8000, 32000, 4, 32, b"data", 8)
    (tmp_path / "float.wav").write_bytes(floats + bytes(8))
    (tmp_path / "text.wav").write_text("no recording")
    (tmp_path / "nothing.wav").write_bytes(b"")
    write_wav(tmp_path / "eight.wav", 1, bytes(8))
    write_wav(tmp_path / "silent.wav", 2, b"")
    found = {}
    for name in ("float.wav", "text.wav", "nothing.wav", "eight.wav", "silent.wav", "absent.wav"):
        with pytest.raises(RecordingError) as refusal:
            read_recording(tmp_path / name)
        found[name] = str(refusal.value)

    words = {
        "float.wav": "unknown format: 3",
        "text.wav": "RIFF",
        "nothing.wav": "ends before its header does",
        "eight.wav": "8 bits",
        "silent.wav": "no samples",
        "absent.wav": "No such file",
    }
    for name, word in words.items():
        assert word in found[name] and "16, 24 or 32 bits" in found[name] and name in found[name]


def test_the_made_recording_is_the_same_every_time(tmp_path: pathlib.Path) -> None:
    """A figure of one run can only be compared with another's if both heard the same."""
    for name in ("a.wav", "b.wav"):
        write_recording(tmp_path / name, seconds=1)

    first, second = (hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("a.wav", "b.wav"))
    recording = read_recording(tmp_path / "a.wav")

    assert first == second
    assert (recording.rate, len(recording.channels), recording.seconds) == (48_000, 2, 1.0)
    assert all(0.5 < max(channel) < 1.0 for channel in recording.channels)
