"""told.py: waiting until a signal ends it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS_AT_EVERY_LINE = """
import signal, sys
{imports}

seen = 0
def at_line(frame, event, _):
    global seen
    if frame.f_code.co_filename == __file__ or "/signal.py" in frame.f_code.co_filename:
        return None
    if event == "line" and seen < 40:
        seen += 1
        signal.raise_signal(signal.SIGTERM)
    return at_line

{enter}
    sys.settrace(at_line)
    {wait}
    sys.settrace(None)
print("ended")
"""
OURS = {
    "imports": "from hotgraft.run.told import ToldToEnd",
    "enter": "with ToldToEnd() as told:",
    "wait": "told.wait()",
}
AN_EVENT = {
    "imports": "import threading; event = threading.Event(); signal.signal(signal.SIGTERM, lambda *_: event.set())",
    "enter": "if True:",
    "wait": "event.wait()",
}


def _ends(parts: dict[str, str], folder: Path) -> bool:
    program = folder / "waits.py"
    program.write_text(SIGNALS_AT_EVERY_LINE.format(**parts))
    try:
        ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=10, check=True)
    except subprocess.TimeoutExpired:
        return False
    return ran.stdout == "ended\n"


def test_a_signal_at_any_line_of_the_wait_ends_it(tmp_path: Path) -> None:
    """`hotgraft run` once hung for good where SIGTERM came while the wait held its own lock."""
    assert _ends(OURS, tmp_path)


@pytest.mark.control
def test_control_an_event_set_by_the_handler_hangs_the_wait(tmp_path: Path) -> None:
    """An Event set by the handler waits for the lock that the interrupted wait holds."""
    assert not _ends(AN_EVENT, tmp_path)
