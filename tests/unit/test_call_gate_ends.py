"""Calls that wait at a gate without the wait hooks, or while the interpreter ends: each in a child process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

DEADLINE_S = 20.0
CHILD = """
import sys, threading, time
sys.path[:0] = {folders!r}
from call_scene import scene
from hotgraft import _core
{body}
"""


def run_child(body: str, timeout_s: float = DEADLINE_S) -> subprocess.CompletedProcess[str]:
    """What may hang or crash runs in a child."""
    code = CHILD.format(folders=[str(one) for one in Path(__file__).parents[:2]], body=textwrap.dedent(body))
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


WAITS_WITH_THE_GIL = """
    served = scene("int64_t add(void *self, int64_t a, int64_t b) { return a + b; }", "add(i64 a, i64 b) -> i64")
    _core._seams.wait_hooks(HOOKS)
    gate = _core._seams.close([served.slot])
    heard = []
    threading.Thread(target=lambda: heard.append(served.plugin.add(2, 3)), daemon=True).start()
    deadline = time.monotonic() + 10
    while _core._seams.waiters(served.slot) == 0 and time.monotonic() < deadline:
        time.sleep(0)
    _core._seams.reopen(gate)
    while not heard and time.monotonic() < deadline:
        time.sleep(0)
    print(heard)
"""


@pytest.mark.control
def test_without_wait_hooks_a_waiting_call_hangs_the_process() -> None:
    """Control: the waiter keeps the GIL, so the thread that would open the gate never runs."""
    assert run_child(WAITS_WITH_THE_GIL.replace("HOOKS", "True")).stdout == "[5]\n"
    with pytest.raises(subprocess.TimeoutExpired):
        run_child(WAITS_WITH_THE_GIL.replace("HOOKS", "False"), timeout_s=1.5)


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("place", ["gate", "inside"])
def test_a_daemon_thread_that_waits_or_blocks_does_not_disturb_the_end_of_the_interpreter(
    blocking: bool, place: str
) -> None:
    """CPython ends such a thread when it wants the GIL back: not through a plugin's frames."""
    body = f"""
    source = '''
    #include <unistd.h>
    int32_t pause_a_bit(void *self, const uint8_t *data, uint64_t n) {{ usleep(200000); return 0; }}
    '''
    served = scene(source, "pause_a_bit(u8* data in(n), u64 n) -> status", blocking={blocking})
    gate = _core._seams.close([served.slot]) if {place!r} == "gate" else None
    started = threading.Event()
    def call():
        started.set()
        served.plugin.pause_a_bit(bytearray(8), 8)
    threading.Thread(target=call, daemon=True).start()
    started.wait()
    while gate is not None and _core._seams.waiters(served.slot) == 0:
        time.sleep(0)
    if gate is not None:
        import atexit
        class Late:
            def __del__(self):
                _core._seams.reopen(gate)
        late = Late()
        sys.modules["late"] = late  # runs when modules are torn down: the interpreter is finalizing
    print("end", flush=True)
    """
    done = run_child(body)

    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_call_while_the_interpreter_ends_answers_or_raises() -> None:
    """__del__ of module globals runs last, when most of Python is gone already."""
    body = """
    served = scene("int64_t add(void *self, int64_t a, int64_t b) { return a + b; }", "add(i64 a, i64 b) -> i64")
    class Late:
        def __init__(self, plugin):
            self.plugin, self.write = plugin, print
        def __del__(self):
            self.write(self.plugin.add(2, 3), flush=True)
    keep = Late(served.plugin)
    sys.modules["keep"] = keep
    keep.again = keep
    """
    done = run_child(body)

    assert (done.returncode, done.stderr) == (0, "")
