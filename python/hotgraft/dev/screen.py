"""What `hotgraft dev` shows: lines for a person, or one line of JSON per event."""

from __future__ import annotations

import contextlib
import json
import reprlib
import textwrap
from typing import TYPE_CHECKING, Any, Final, TextIO

from hotgraft.host.report import SwapReport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from hotgraft.dev.said import Said

__all__ = ["Screen"]

_STYLES: Final = {"good": "32", "bad": "31", "dim": "2", "strong": "1"}
_STEPS_WIDTH: Final = 104
_JOINT: Final = "\u00a0"  # lines are not broken here
_SHOWN_VALUES: Final = 20


class Screen:
    """Writes to one stream.

    Args:
        out: where to.
        is_json: one line of JSON per event.
        has_colour: the stream is a terminal.
        turn: to be had for a line, where another process writes to the stream too.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        is_json: bool,
        has_colour: bool,
        turn: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        self._out = out
        self._turn = turn
        self._is_json = is_json
        self._has_colour = has_colour

    def show(self, said: Said) -> None:
        """Show what happened."""
        if self._is_json:
            facts = {
                name: value.as_dict() if isinstance(value, SwapReport) else value for name, value in said.facts.items()
            }
            self._write(json.dumps({"event": said.event, **facts}, default=repr))  # bytes of a saved state
            return
        text = getattr(self, f"_{said.event}")(said.facts)
        if text:
            self._write(text)

    def _write(self, text: str) -> None:
        with self._turn():
            self._out.write(text + "\n")
            self._out.flush()

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._has_colour else text

    def end_line(self) -> None:
        """End the line that another process, which is no more, was writing."""
        self._write("")

    # --- one function per event ---

    def _started(self, facts: Mapping[str, Any]) -> str:
        keys = f"  keys: {facts['keys']}" if facts["keys"] else ""
        head = self._in("strong", f"hotgraft dev: {facts['plugin']}")
        return "\n".join([f"{head}, watching {facts['files']} files in {facts['folder']}", *filter(None, [keys])])

    def _polling(self, facts: Mapping[str, Any]) -> str:
        return self._in("dim", f"  looking at the files four times a second: {facts['reason']}")

    def _changed(self, facts: Mapping[str, Any]) -> str:
        return "\n" + self._in("strong", ", ".join(facts["files"]) + " saved") if facts["files"] else ""

    def _changed_meanwhile(self, _facts: Mapping[str, Any]) -> str:
        return self._in("dim", "  saved again while it was built: building what is there now")

    def _built(self, facts: Mapping[str, Any]) -> str:
        head = self._in("dim", f"  built {facts['image']} in {facts['build_ms']:,.0f} ms")
        warnings = facts["warnings"].rstrip()
        return head + ("\n" + textwrap.indent(warnings, "    ") if warnings else "")

    def _same(self, facts: Mapping[str, Any]) -> str:
        return self._in("dim", f"  {facts['words']}")

    def _loaded(self, facts: Mapping[str, Any]) -> str:
        hint = f"    to call it after every save: hotgraft dev --call '{facts['sample']}'" if facts["sample"] else ""
        said = self._good(f"generation {facts['generation']} (version {facts['version']}) serves")
        return f"{said}\n{self._in('dim', hint)}" if hint else said

    def _swapped(self, facts: Mapping[str, Any]) -> str:
        words = f"{facts['report'].running}; {facts['state']}"
        return self._good(words) + self._downgrade(facts) + self._taint(facts) + self._times(facts)

    def _rolled_back(self, facts: Mapping[str, Any]) -> str:
        words = f"{facts['report'].running}; {facts['state']}"
        how = "    rolled back by an ordinary reload of the image that served before; the next save builds anew"
        return self._good(words) + "\n" + self._in("dim", how) + self._taint(facts) + self._times(facts)

    def _no_rollback(self, facts: Mapping[str, Any]) -> str:
        return self._bad(f"cannot roll back: {facts['reason']}")

    def _refused(self, facts: Mapping[str, Any]) -> str:
        first, *more = facts["reason"].splitlines()
        running = facts["running"]
        lines = [self._bad(first if running in first else f"{first}; {running}")]
        lines += [f"    {line}" for line in more]
        return "\n".join([*lines, *filter(None, [textwrap.indent(facts["output"].rstrip(), "    ")])])

    def _called(self, facts: Mapping[str, Any]) -> str:
        more = self._in("dim", f"  generation {facts['generation']}, {facts['call_us']:,.0f} µs")
        return f"  {facts['call']} → {self._in('strong', facts['result'])}{more}"

    def _call_failed(self, facts: Mapping[str, Any]) -> str:
        return f"  {facts['call']} " + self._in("bad", facts["error"])

    def _output(self, facts: Mapping[str, Any]) -> str:
        head = self._bad(f"{facts['function']} returned what its schema in [outputs] does not allow")
        return "\n".join([head, *(f"    {one}" for one in facts["violations"])])

    def _answered(self, facts: Mapping[str, Any]) -> str:
        return self._in("dim", f"  answered {facts['after_ms']:,.0f} ms after the save")

    def _state(self, facts: Mapping[str, Any]) -> str:
        values = facts.get("values", {})
        lines = [f"    {key} = {_brief(value)}" for key, value in list(values.items())[:_SHOWN_VALUES]]
        left = len(values) - len(lines)
        return "\n".join([f"  state: {facts['words']}", *lines, *([f"    … and {left} more"] if left > 0 else [])])

    def _died(self, facts: Mapping[str, Any]) -> str:
        said = self._bad(f"{facts['how']}; nothing serves now, its state is gone")
        if facts["is_over"]:
            return said
        press = "; or press r to build and load it anew as it is, q to quit" if facts["has_keys"] else ""
        return f"{said}\n    to do: mend it and save, then it begins anew{press}"

    def _hangs(self, facts: Mapping[str, Any]) -> str:
        said = self._bad(
            f"it has not returned from {facts['what']} for {facts['after_s']:.0f} s; if it does, it goes on"
        )
        press = "; or press r to do so as it is, q to quit" if facts["has_keys"] else ""
        return f"{said}\n    to do: mend it and save, then it is killed and begins anew, without its state{press}"

    def _begins(self, facts: Mapping[str, Any]) -> str:
        pressed = f"{facts['key']} pressed" if facts["key"].isprintable() else "a key pressed"
        saved = f"{', '.join(facts['files'])} saved" if facts["files"] else "saved"
        return "\n" + self._in("strong", pressed if facts["key"] else saved) + ": it begins anew, without its state"

    def _killed(self, facts: Mapping[str, Any]) -> str:
        where = f", inside {facts['what']}" if facts["what"] else ""
        return self._bad(f"killed: it did not end within {facts['after_s']:.0f} s{where}")

    def _stopped(self, facts: Mapping[str, Any]) -> str:
        return self._in("dim", f"\nstopped: {facts['why']}")

    def _good(self, text: str) -> str:
        return f"  {self._in('good', '✓')} {text}"

    def _bad(self, text: str) -> str:
        return f"  {self._in('bad', '✗')} {text}"

    def _downgrade(self, facts: Mapping[str, Any]) -> str:
        before = facts.get("downgrade_from", "")
        if not before:
            return ""
        words = f"a downgrade from version {before}: let in here, refused by a host unless it is asked for"
        return f"\n    {self._in('dim', words)}"

    def _taint(self, facts: Mapping[str, Any]) -> str:
        tainted = facts["report"].tainted
        return f"\n    {self._in('bad', 'tainted')}: {tainted}; start anew before results count" if tainted else ""

    def _times(self, facts: Mapping[str, Any]) -> str:
        report = facts["report"]
        words = f"swapped in {facts['swap_ms']:.1f} ms, callers waited {report.pause_us:,.0f} µs; each step in µs:"
        steps = ", ".join(f"{one.step} {one.us:,.{one.us < 10:d}f}".replace(" ", _JOINT) for one in report.steps)
        more = textwrap.wrap(steps, _STEPS_WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
        lines = [f"    {words}", *(line.replace(_JOINT, " ") for line in more)]
        return "\n" + "\n".join(self._in("dim", line) for line in lines)


def _brief(value: object) -> str:
    """Enough of a value to know it again: a nested map may have a million entries, and a blob as many bytes."""
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxdict, brief.maxlist = 4, 6, 12
    brief.maxstring = brief.maxother = brief.maxlong = 100
    return brief.repr(value)
