"""What the demo writes for somebody else to check: input, output, stamps and coefficients, as plain files.

    input-<channel>.f32     the recording's samples in whole blocks, little-endian 32-bit floats
    output-<stream>.f32     what the calls gave, in order
    stamps-<stream>.u64     the build that answered each call; 0: the call failed
    demo.json               block size, streams with their input, coefficients of each build, counts, hashes

tests/demo_check.py reads them and shares no code with the demo.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import array
    import pathlib
    from collections.abc import Mapping, Sequence


class StreamDump:
    """The two files of one stream."""

    def __init__(self, folder: pathlib.Path, stream: int) -> None:
        self._output = (folder / f"output-{stream}.f32").open("wb")
        self._stamps = (folder / f"stamps-{stream}.u64").open("wb")

    def write(self, output: bytes, stamps: bytes) -> None:
        """Append a burst."""
        self._output.write(output)
        self._stamps.write(stamps)

    def close(self) -> None:
        """Finish both files."""
        self._output.close()
        self._stamps.close()


def write_inputs(folder: pathlib.Path, channels: Sequence[array.array[float]]) -> None:
    """Write what is streamed."""
    folder.mkdir(parents=True, exist_ok=True)
    for channel, samples in enumerate(channels):
        (folder / f"input-{channel}.f32").write_bytes(samples.tobytes())


def write_facts(folder: pathlib.Path, facts: Mapping[str, Any]) -> None:
    """Write demo.json, last: a dump without it is not whole."""
    (folder / "demo.json").write_text(json.dumps(facts, indent=1) + "\n")
