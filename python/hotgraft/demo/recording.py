"""A recording as floats per channel: read from a WAV file, or made here when none is given.

Reads PCM of 16, 24 and 32 bits with the standard library; whatever else a file holds is refused in words.
The made one is the same bytes on every machine that computes sines alike: `python -m hotgraft.demo.recording
FILE.wav` writes it.
"""

from __future__ import annotations

import array
import math
import pathlib
import sys
import wave
from typing import Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError

RATE: Final = 48_000  # samples a second, of the recording made here
SECONDS: Final = 8
_FULL_SCALE: Final = {2: 2.0**15, 3: 2.0**23, 4: 2.0**31}  # by bytes per sample


class RecordingError(HotgraftError):
    """The input is not a recording this demo can play. Give it another file."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples between -1 and 1, 32-bit floats, one array per channel, all of one length."""

    name: str
    rate: int
    channels: tuple[array.array[float], ...]

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.channels[0]) / self.rate


def read_recording(path: pathlib.Path) -> Recording:
    """Read a WAV file.

    Raises:
        RecordingError: no such file, no WAV, not PCM of 16, 24 or 32 bits, or no samples in it.
    """
    try:
        with wave.open(str(path), "rb") as file:
            width, count, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise _refusal(path, str(error) or "the file ends before its header does") from None
    if width not in _FULL_SCALE:
        raise _refusal(path, f"its samples have {8 * width} bits")
    frames = len(data) // (width * count)
    if frames == 0:
        raise _refusal(path, "it holds no samples")
    samples = _as_floats(data[: frames * width * count], width)
    return Recording(path.name, rate, tuple(samples[channel::count] for channel in range(count)))


def _refusal(path: pathlib.Path, found: str) -> RecordingError:
    advice = "give a WAV file with PCM samples of 16, 24 or 32 bits, or leave --input out"
    return RecordingError("play the recording", on=str(path), found=found, advice=advice, running="nothing was played")


def _as_floats(data: bytes, width: int) -> array.array[float]:
    """Return little-endian samples as floats; 16 and 24 bits exactly, 32 bits rounded to nearest."""
    if width == 3:  # sign and value in the upper three bytes of four
        wide = bytearray(len(data) // 3 * 4)
        wide[1::4], wide[2::4], wide[3::4] = data[0::3], data[1::3], data[2::3]
        data, scale = bytes(wide), _FULL_SCALE[4]
    else:
        scale = _FULL_SCALE[width]
    whole = array.array("h" if width == 2 else "i", data)
    if sys.byteorder == "big":
        whole.byteswap()
    return array.array("f", (sample / scale for sample in whole))


def write_recording(path: pathlib.Path, *, seconds: int = SECONDS) -> None:
    """Write the default recording: a tone that climbs on the left and falls on the right, under noise."""
    frames = seconds * RATE
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = array.array("h", bytes(4 * frames))
        samples[0::2] = _chirp(frames, 60.0, 6_000.0, seed=1)
        samples[1::2] = _chirp(frames, 6_000.0, 60.0, seed=2)
        if sys.byteorder == "big":
            samples.byteswap()
        file.writeframes(samples.tobytes())


def _chirp(frames: int, low: float, high: float, *, seed: int) -> array.array[int]:
    """Return a tone gliding from `low` to `high` Hz, equal times per octave, under a tenth of white noise."""
    factor = (high / low) ** (1.0 / frames)
    step, phase = 2.0 * math.pi * low / RATE, 0.0
    samples = array.array("h", bytes(2 * frames))
    for index in range(frames):
        seed = (1_103_515_245 * seed + 12_345) & 0x7FFF_FFFF  # the C standard's example generator
        samples[index] = int(19_000.0 * math.sin(phase)) + (seed >> 16) % 4_001 - 2_000
        phase += step
        step *= factor
    return samples


if __name__ == "__main__":
    write_recording(pathlib.Path(sys.argv[1]))
