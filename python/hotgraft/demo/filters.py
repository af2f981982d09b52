"""The filters that the demo's builds are, one after another: what is edited into the source.

Source:
    Robert Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
"""

from __future__ import annotations

import math
from typing import Final

from hotgraft.core.dataclass import dataclass

_QUALITY: Final = 0.9
_GAIN_DB: Final = 9.0
KINDS: Final = ("low pass", "peak", "high pass", "notch")
_CORNERS: Final = (400.0, 900.0, 1_700.0, 3_100.0, 5_300.0)  # Hz at 48 kHz


@dataclass(frozen=True, slots=True)
class Filter:
    """b0, b1, b2, a1, a2 with a0 = 1, and what a person calls it."""

    name: str
    coefficients: tuple[float, float, float, float, float]


def filter_of(build: int) -> Filter:
    """Return the filter of a build; neighbours differ in kind and corner, and every one is stable."""
    kind = KINDS[build % len(KINDS)]
    corner = _CORNERS[build % len(_CORNERS)]
    omega = 2.0 * math.pi * corner / 48_000.0
    cosine, alpha = math.cos(omega), math.sin(omega) / (2.0 * _QUALITY)
    gain = 10.0 ** (_GAIN_DB / 40.0)
    shapes = {
        "low pass": ((1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2, alpha),
        "peak": (1 + alpha * gain, -2 * cosine, 1 - alpha * gain, alpha / gain),
        "high pass": ((1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2, alpha),
        "notch": (1.0, -2 * cosine, 1.0, alpha),
    }
    b0, b1, b2, damping = shapes[kind]
    a0 = 1 + damping
    return Filter(f"{kind} {corner:.0f} Hz", (b0 / a0, b1 / a0, b2 / a0, -2 * cosine / a0, (1 - damping) / a0))
