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
SIGNAL_TO_ANOTHER_THREAD = """
import signal, sys, threading, time
{imports}

def interrupt():
    time.sleep(0.2)  # the main thread waits by then; if it does not yet, the test proves less and passes
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

{enter}
    threading.Thread(target=interrupt, daemon=True).start()
    {wait}
print("ended")
"""
A_READ = {
    "imports": "import os; ours, its = os.pipe(); signal.signal(signal.SIGINT, lambda *_: os.write(its, b'!'))",
    "enter": "if True:",
    "wait": "os.read(ours, 1)",
}
AN_EVENT = {
    "imports": "import threading; event = threading.Event(); signal.signal(signal.SIGTERM, lambda *_: event.set())",
    "enter": "if True:",
    "wait": "event.wait()",
}


def _ends(parts: dict[str, str], folder: Path, scene: str = SIGNALS_AT_EVERY_LINE) -> bool:
    program = folder / "waits.py"
    program.write_text(scene.format(**parts))
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


def test_a_signal_that_does_not_interrupt_the_wait_ends_it(tmp_path: Path) -> None:
    """One that comes just before the wait's system call, or to another thread: `hotgraft run` never heard of it."""
    assert _ends(OURS, tmp_path, SIGNAL_TO_ANOTHER_THREAD)


@pytest.mark.control
def test_control_a_handler_in_python_is_not_run_while_the_main_thread_reads(tmp_path: Path) -> None:
    """The handler that writes to the pipe is Python, which the main thread comes to only after its read."""
    assert not _ends(A_READ, tmp_path, SIGNAL_TO_ANOTHER_THREAD)
