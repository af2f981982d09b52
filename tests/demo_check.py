"""Recompute the demo's reference in NumPy from what `hotgraft demo --dump DIR` wrote, sharing no code with
the demo.

The demo's own reference steps through the samples one by one. This one never does: a block is a linear map
of its input and of the filter's two state values, so a build becomes a few matrices and a run of blocks
becomes products of them. The two can only agree if both are right. Outputs are 32-bit floats of values
computed in doubles in another order, so they are compared within one unit in the last place.

    python tests/demo_check.py DIR
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 1 << 15  # blocks


@dataclass(frozen=True)
class Verdict:
    """What the check found; `wrong` are blocks whose output is not what their stamp's build gives."""

    calls: int
    failed: int
    wrong: int
    sha256_output: str
    complaints: tuple[str, ...]


class BlockFilter:
    """One build's filter as matrices over whole blocks.

    With state z, z' = A z + B x and y = z[0] + b0 x (transposed direct form II). Over a block of n samples:
    y = H x + P z and z' = F z + G x.
    """

    def __init__(self, coefficients: list[float], block: int) -> None:
        b0, b1, b2, a1, a2 = coefficients
        step = np.array([[-a1, 1.0], [-a2, 0.0]])
        entry = np.array([b1 - a1 * b0, b2 - a2 * b0])
        powers = [np.eye(2)]
        for _ in range(block):
            powers.append(step @ powers[-1])
        impulse = np.array([b0] + [(powers[n] @ entry)[0] for n in range(block - 1)])
        self.output_of_input = np.array(
            [[impulse[row - column] if row >= column else 0.0 for column in range(block)] for row in range(block)]
        )
        self.output_of_state = np.array([powers[n][0] for n in range(block)])
        self.state_of_state = powers[block]
        self.state_of_input = np.array([powers[block - 1 - n] @ entry for n in range(block)]).T

    def run(self, blocks: NDArray[Any], state: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the output of consecutive blocks and the state after them."""
        pushes = blocks @ self.state_of_input.T
        states = np.empty((len(blocks), 2))
        (f00, f01), (f10, f11) = self.state_of_state.tolist()
        first, second = state.tolist()
        for index, (push_first, push_second) in enumerate(pushes.tolist()):
            states[index] = first, second
            first, second = (
                f00 * first + f01 * second + push_first,
                f10 * first + f11 * second + push_second,
            )
        output = blocks @ self.output_of_input.T + states @ self.output_of_state.T
        return output, np.array([first, second])


def check(folder: pathlib.Path) -> Verdict:
    """Check a dump; `complaints` is empty when the demo's own counts and hash hold and nothing is wrong."""
    facts = json.loads((folder / "demo.json").read_text())
    block = facts["block"]
    filters = {number: BlockFilter(one, block) for number, one in enumerate(facts["coefficients"], start=1)}
    calls = failed = wrong = 0
    digests = []
    for stream, channel in enumerate(facts["inputs"]):
        source = np.fromfile(folder / f"input-{channel}.f32", "<f4").reshape(-1, block)
        output = np.fromfile(folder / f"output-{stream}.f32", "<f4").reshape(-1, block)
        stamps = np.fromfile(folder / f"stamps-{stream}.u64", "<u8").astype(np.int64)
        if len(output) != len(stamps):
            raise ValueError(f"stream {stream}: {len(output)} blocks of output and {len(stamps)} stamps")
        calls += len(stamps)
        failed += int((stamps == 0).sum())
        wrong += _wrong_blocks(source, output, stamps, filters)
        digests.append(hashlib.sha256((folder / f"output-{stream}.f32").read_bytes()).digest())
    sha256 = hashlib.sha256(b"".join(digests)).hexdigest()
    found = {"calls": calls, "failed": failed, "wrong": wrong, "sha256_output": sha256}
    complaints = [
        f"{key}: the demo says {facts[key]}, found {value}" for key, value in found.items() if value != facts[key]
    ]
    if wrong:
        complaints.append(f"{wrong} of {calls} blocks are not what their build's filter gives")
    return Verdict(calls, failed, wrong, sha256, tuple(complaints))


def _wrong_blocks(
    source: NDArray[Any], output: NDArray[Any], stamps: NDArray[Any], filters: dict[int, BlockFilter]
) -> int:
    """Walk through one stream in runs of blocks that one build answered."""
    state = np.zeros(2)
    wrong = at = 0
    changes = np.flatnonzero(np.diff(stamps)) + 1
    for end in [*changes.tolist(), len(stamps)]:
        while at < end:
            upto = min(end, at + AT_ONCE)
            build = filters.get(int(stamps[at]))
            if build is not None:
                blocks = source[np.arange(at, upto) % len(source)].astype(np.float64)
                expected, state = build.run(blocks, state)
                wrong += int((np.abs(expected - output[at:upto]) > _tolerance(expected)).any(axis=1).sum())
            elif stamps[at] != 0:
                wrong += upto - at  # a build that never was
            at = upto
    return wrong


def _tolerance(expected: NDArray[Any]) -> NDArray[Any]:
    """One unit in the last place of a 32-bit float, and the noise of another order of sums near zero."""
    return np.asarray(np.abs(expected) * 2.0**-23 + 1e-9)


def main() -> int:
    """Check the dump named on the command line."""
    verdict = check(pathlib.Path(sys.argv[1]))
    print(f"{verdict.calls} calls recomputed, {verdict.failed} failed, {verdict.wrong} wrong")
    print("\n".join(verdict.complaints) or "the demo's reference holds")
    return 1 if verdict.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
