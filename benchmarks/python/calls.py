"""What is called, beside what, and what the ratio may be: the table of all Python rows. Measures nothing.

A statement is written once and run on two subjects. `plugin` is a plugin's handle, `module` an extension module written
by hand around the same C functions, `lib` cffi's API mode, `nano` nanobind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# What the statements name besides the subject; floats are array.array("f") of four elements.
CALLS: Final = {
    "add": "add(2, 3)",
    "gain": "gain(source, target, 4)",
    "ping": "ping()",
    "next": "next(2)",
    "pack": "pack(1, -2, 3)",
    "mix": "mix(1.5, 2.5, 3.5)",
    "lerp": "lerp(1.5, 2.5, 0.5)",
    "blend": "blend(2, 1.5, 3)",
    "six": "six(1, 2, 3, 4, 5, 6)",
    "twenty": "twenty(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)",
    "set": "set(3, 1.5)",
    "amplify": "amplify(1.0, target, 4)",
    "label": "label()",
    "rest": "rest(2)",
    "made": "made(4)",
    "window": "window()",
}
ANY_LIMIT: Final = 1.40
NAMED: Final = ("add", "gain", "made", "window")  # calls with a row of another name


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statement on two subjects.

    Args:
        name: of the row, behind the interpreter's.
        call: a key of `CALLS`.
        plain: the subject that the plugin is compared with.
        limit: what plugin / plain must not exceed; None: told, not judged.
        is_cached: ``f = subject.add`` once, then ``f(2, 3)``; else the function is looked up for each call.
    """

    name: str
    call: str
    plain: str
    limit: float | None
    is_cached: bool = False

    @property
    def text(self) -> str:
        """What is divided by what."""
        plain, measured = self.statements()
        if self.is_cached:
            return f"f = plugin.{self.call}; {measured} / f = {self.plain}.{self.call}; {plain}"
        return f"{measured} / {plain}"

    def statements(self) -> tuple[str, str]:
        """Return the Python statement for the plain subject and for the plugin; `f` is what was cached."""
        if self.is_cached:
            cached = f"f{CALLS[self.call].removeprefix(self.call)}"
            return cached, cached
        return f"{self.plain}.{CALLS[self.call]}", f"plugin.{CALLS[self.call]}"


COMPARISONS: Final = (
    Comparison("call", "add", "module", 1.10),
    Comparison("cached", "add", "module", 1.15, is_cached=True),
    Comparison("buffer", "gain", "module", 1.10),
    Comparison("cffi", "add", "lib", 0.20),
    Comparison("nanobind", "add", "nano", 0.75),
    *(Comparison(f"any.{call}", call, "module", ANY_LIMIT) for call in CALLS if call not in NAMED),
    # Memory whose owner is counted, and a view that keeps its generation mapped: the module does neither.
    Comparison("result.owned", "made", "module", None),
    Comparison("result.leased", "window", "module", None),
)
