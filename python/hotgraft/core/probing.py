"""What a probe found: read from the lines that it wrote and from how its process ended, and judged.

A probe's helper tells what happens and decides nothing. Here it is decided: what speaks against the candidate is an
error, what only costs something is a warning, and what says nothing about it leaves it *not probed*, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import ContractError, HotgraftError, LoadError, PluginError, ProbeError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REFUSED_CHANGES", "STAGES", "Ending", "ProbeReport", "Told", "judge", "read_told"]

# What the helper goes through; `hotgraft-probe --stages` lists the same, and a test holds the two together.
STAGES: Final = (
    "limits", "residents", "providers", "map", "entry", "create", "interface", "take", "restore", "start", "health",
    "quiesce", "destroy", "close",
)  # fmt: skip
# Until here nothing of the candidate has run: what goes wrong is not its fault.
_BEFORE: Final = frozenset({"limits", "residents", "providers"})
_TITLES: Final = {
    "map": "mapping it (constructors, IFUNC resolvers)",
    "entry": "hotgraft_plugin_v1 and its tables",
    "interface": "get_interface",
    "close": "unmapping it (destructors)",
}
# Changes of the process that nobody would put back: the host would be another one from then on.
REFUSED_CHANGES: Final = frozenset({"signal", "locale", "folder", "umask", "environment", "limit"})
PLACES_SHOWN: Final = 4
# The core's codes (status.hpp) that a stage can fail with.
_REFUSED, _NO_MEMORY, _PLUGIN = 3, 5, 7


@dataclass(frozen=True, slots=True)
class Ending:
    """How the helper's process ended."""

    signal: str = ""  # "SIGSEGV"
    exit_code: int | None = None  # None: by a signal, or somebody else in this process has taken note of it
    timed_out_s: float = 0.0  # above 0: the stage that was under way got no further by then, and it was killed


@dataclass(frozen=True, slots=True)
class Crash:
    """What the crash report said: "SIGSEGV", "nothing is mapped at 0x0", and the plugin's frames, nearest first."""

    signal: str
    found: str
    places: tuple[str, ...] = ()


@dataclass(slots=True)
class Told:
    """What the helper's lines say."""

    stages: list[tuple[str, float]] = field(default_factory=list)  # that were gone through, with microseconds
    stage: str = ""  # that was begun and did not end
    subject: str = ""
    failure: tuple[int, str] | None = None  # its code and sentence
    thrown: tuple[str, str] | None = None  # type and words of the exception that got out
    wrote: str = ""
    unable: str = ""
    changes: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    crash: Crash | None = None
    is_done: bool = False

    @property
    def has_not_begun(self) -> bool:
        """Whether nothing of the candidate has run."""
        last = self.stage or (self.stages[-1][0].split()[0] if self.stages else "limits")
        return last in _BEFORE and not self.is_done

    @property
    def title(self) -> str:
        """The stage that was under way, for people: ``create of main``."""
        title = _TITLES.get(self.stage, self.stage)
        if not title:
            return f"after {self.stages[-1][0]}" if self.stages else "the beginning"
        return f"{title} of {self.subject}" if self.subject else title


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What a probe did: the stages it went through with their times, and what it noticed.

    `not_probed` says why the candidate, or what of it, could not be tried; empty: all of it was.
    """

    stages: tuple[tuple[str, float], ...] = ()  # microseconds
    warnings: tuple[str, ...] = ()
    not_probed: str = ""
    pause_us: float = 0.0  # that callers waited while the live state was copied for it

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "stages_us": [[stage, us] for stage, us in self.stages],
            "warnings": list(self.warnings),
            "not_probed": self.not_probed,
            "pause_us": self.pause_us,
        }


def read_told(text: str) -> Told:
    """Read the lines, as far as they came."""
    told = Told()
    crash: list[str] = []
    for line in text.split("\n")[:-1]:  # what has no end was cut off
        if line.startswith(">"):
            word, *fields = _fields(line)
            if word in _READERS:
                _READERS[word](told, *fields)
        else:
            crash.append(line)
    told.crash = _crash_in(crash)
    return told


def judge(
    told: Told, ending: Ending, *, label: str, plugin: str, refused_changes: frozenset[str] = REFUSED_CHANGES
) -> tuple[ProbeReport, HotgraftError | None]:
    """Return the report, and the error that refuses the candidate; None: nothing speaks against it."""
    not_probed, error = "", None
    if told.unable or told.has_not_begun:
        not_probed = _why_not(told, ending)
    elif told.failure is not None:
        not_probed, error = _failed(told, label)
    elif told.wrote or not told.is_done:
        error = _error(told, plugin, [told.wrote or _death(told, ending)], ending)
    found = [sentence for what, sentence in told.changes if what in refused_changes]
    if error is None and found:
        error = _error(told, plugin, found, ending)
    warnings = [*told.left, *(sentence for what, sentence in told.changes if what not in refused_changes)]
    return ProbeReport(stages=tuple(told.stages), warnings=tuple(warnings), not_probed=not_probed), error


def _why_not(told: Told, ending: Ending) -> str:
    if told.unable:
        return "; ".join(line for line in told.unable.splitlines() if not line.startswith("to do: "))
    if told.failure is not None:
        return f"{told.title}: {told.failure[1]}"
    return f"{told.title}: {_end(told, ending)}"


def _failed(told: Told, label: str) -> tuple[str, HotgraftError | None]:
    """A function answered, or a table lies: the error that the host's own step would end in.

    What only the loader or this process refused is left to that step: it knows what the process really has.
    """
    assert told.failure is not None
    code, sentence = told.failure
    found = [sentence.removeprefix(f"{label}: ")]
    function = {"interface": "get_interface"}.get(told.stage, told.stage)
    tried = "load the library in the probe" if function in ("map", "entry") else f"run its {function} in the probe"
    if code == _PLUGIN:
        return "", PluginError(tried, on=label, found=found, function=function)
    if code == _NO_MEMORY:
        return "", ProbeError(tried, on=label, found=found, stage=told.stage, advice=_MORE_MEMORY)
    if code == _REFUSED and told.stage in _JUDGED and not found[0].startswith(_LOADER_SAYS):
        kind = ContractError if told.stage == "interface" else LoadError
        return "", kind(tried, on=label, found=[line for line in found[0].splitlines() if line])
    if code == _REFUSED and told.stage == "restore":  # a converter of its own failed, or put what it may not
        return "", StateError("convert its state in the probe", on=label, found=found)
    return f"{told.title}: {found[0]}", None


# Stages whose refusal is about the image alone, and how one of the loader's begins (library_posix.cpp).
_JUDGED: Final = frozenset({"map", "entry", "interface"})
_LOADER_SAYS: Final = "the loader refused "
_MORE_MEMORY: Final = "let it ask for less memory, or give the probe more: Host(probe_memory_bytes=...)"


def _error(told: Told, plugin: str, found: list[str], ending: Ending) -> ProbeError:
    signal = told.crash.signal if told.crash is not None else ending.signal
    is_memory = told.thrown is not None and told.thrown[0] == "std::bad_alloc"
    return ProbeError(
        "accept the candidate",
        on=plugin,
        found=[f"in the probe, {one}" for one in found],
        advice=_MORE_MEMORY if is_memory else "",
        stage=told.stage,
        signal="" if ending.timed_out_s else signal,
    )


def _death(told: Told, ending: Ending) -> str:
    return f"{told.title}: {_end(told, ending)}"


def _end(told: Told, ending: Ending) -> str:
    """How it came to its end, in words, and where in the plugin."""
    if ending.timed_out_s:
        text = f"did not return within {ending.timed_out_s:g} s"
    elif told.thrown is not None:
        kind, what = told.thrown
        text = f"an exception got out: {kind}" + (f", {what}" if what else "")
    elif told.crash is not None:
        text = f"{told.crash.signal}, {told.crash.found}"
    elif ending.signal:
        text = f"{ending.signal} ended the process"
    elif ending.exit_code is not None:
        text = f"it ended the process with exit code {ending.exit_code}"
    else:
        text = "the process ended, and nobody could tell how"
    places = told.crash.places[:PLACES_SHOWN] if told.crash is not None else ()
    return f"{text}; in {' < '.join(places)}" if places else text


# --- reading ---


def _fields(line: str) -> list[str]:
    return [_unescaped(one) for one in line[1:].split("\t")]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


def _begin(told: Told, stage: str = "", subject: str = "", *_: str) -> None:
    told.stage, told.subject = stage, subject


def _ended(told: Told, ns: str = "0", *_: str) -> None:
    if not told.stage:
        return
    told.stages.append((f"{told.stage} {told.subject}".rstrip(), int(ns) / 1_000 if ns.isdigit() else 0.0))
    told.stage = told.subject = ""


def _note_failure(told: Told, code: str = "", sentence: str = "", *_: str) -> None:
    told.failure = int(code) if code.isdigit() else 0, sentence


def _note_thrown(told: Told, kind: str = "", what: str = "", *_: str) -> None:
    told.thrown = kind, what


def _note_wrote(told: Told, sentence: str = "", *_: str) -> None:
    told.wrote = sentence


def _note_unable(told: Told, sentence: str = "", *_: str) -> None:
    told.unable = sentence or "no reason given"


def _note_change(told: Told, what: str = "", sentence: str = "", *_: str) -> None:
    told.changes.append((what, sentence))


def _note_left(told: Told, _what: str = "", sentence: str = "", *_: str) -> None:
    told.left.append(sentence)


def _note_done(told: Told, *_: str) -> None:
    told.is_done = True


_READERS: Final[dict[str, Callable[..., None]]] = {
    "begin": _begin,
    "end": _ended,
    "fail": _note_failure,
    "thrown": _note_thrown,
    "wrote": _note_wrote,
    "unable": _note_unable,
    "change": _note_change,
    "left": _note_left,
    "done": _note_done,
}

_HEAD: Final = re.compile(r"hotgraft: (SIG\w+) in .*?\): (.*)")
_WHERE: Final = re.compile(r"  where: (.*), thread \d+")
_FRAME: Final = re.compile(r"    [^ :]+: (.*)")


def _crash_in(lines: list[str]) -> Crash | None:
    """Read the crash report (crash_report.cpp), the first where there are several."""
    heads = [number for number, line in enumerate(lines) if _HEAD.fullmatch(line)]
    if not heads:
        return None
    head = _HEAD.fullmatch(lines[heads[0]])
    assert head is not None
    own = lines[heads[0] : heads[1] if len(heads) > 1 else len(lines)]
    places = [found[1] for line in own for found in [_WHERE.fullmatch(line) or _FRAME.fullmatch(line)] if found]
    return Crash(head[1], head[2], tuple(one for one in places if "which is no plugin" not in one))
