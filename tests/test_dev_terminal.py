"""`hotgraft dev` as a person meets it: in a terminal."""

from __future__ import annotations

import re
import shutil
import signal
import statistics
from typing import TYPE_CHECKING

import pytest
from dev_mistakes import CRASH, HANG, HANG_UNTIL_REMOVED, make_mistake
from dev_picture import picture
from dev_process import COUNTER, copy_counter, set_step
from dev_terminal import Terminal, play

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.full
def test_every_save_is_answered_and_the_old_generation_serves_throughout(tmp_path: Path) -> None:
    """One good edit, one that does not compile, one that removes a function, one good again."""
    terminal = play(tmp_path)
    answers = terminal.answers_ms
    print("answers, ms after the save:", answers, "median", statistics.median(answers))
    assert len(answers) >= 4
    assert picture(terminal.transcript).startswith("<svg ")


@pytest.mark.full
@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.full),
        pytest.param(signal.SIGHUP, marks=pytest.mark.full),
    ],
)
def test_the_terminal_is_put_back_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    """A shell without echo is what people remember of a tool."""
    with Terminal(copy_counter(tmp_path / "counter")) as terminal:
        terminal.read_until("serves")
        assert terminal.is_cbreak
        terminal.send(number)
        assert terminal.wait() == 128 + number
        assert terminal.is_as_before


@pytest.mark.full
def test_keys_reload_show_the_state_and_say_when_there_is_nothing_to_roll_back_to(tmp_path: Path) -> None:
    """On a plugin that can save: its values, by key, as they are now."""
    folder = tmp_path / "textstats"
    shutil.copytree(COUNTER.parent.parent / "textstats" / "v1", folder, ignore=shutil.ignore_patterns("build"))
    with Terminal(folder, """hotgraft dev --call "feed('a b a')" --call "count('a')\"""") as terminal:
        assert "feed('a b a') → done" in terminal.read_until(r"count\('a'\) → times = \[2\]")
        terminal.press("s")
        terminal.read_until(r"state: \d+ values, as they would be saved now")
        terminal.press("b")
        terminal.read_until("cannot roll back: there is no image before")
        terminal.press("r")
        shown = terminal.read_until(r"count\('a'\) → times = \[4\]")
        assert "generation 2" in shown
        assert "saved by the old build, restored by the new one" in shown
        terminal.press("q")
        assert terminal.wait() == 0


CALLED = "hotgraft dev --call 'next()'"
DIED = r"✗ it crashed with SIGSEGV in call next\(\); nothing serves now"
TO_DO = "to do: mend it and save, then it begins anew; or press r "


def crashing(tmp_path: Path) -> Path:
    """Return the folder of a counter that crashes in `next`."""
    folder = copy_counter(tmp_path / "counter")
    make_mistake(folder, "next", CRASH)
    return folder


@pytest.mark.parametrize("keys", ["q", pytest.param("rq", marks=pytest.mark.full)])
def test_keys_are_answered_after_a_crash(tmp_path: Path, keys: str) -> None:
    """At once, and by whoever comes next: r begins a session, which dies of the same, and q was pressed meanwhile."""
    with Terminal(crashing(tmp_path), CALLED) as terminal:
        shown = terminal.read_until(TO_DO)
        assert "hotgraft: SIGSEGV in plugin counter, generation 1" in shown
        assert re.search(DIED, shown)
        assert terminal.is_cbreak
        terminal.press(keys)
        if "r" in keys:
            assert "r pressed: it begins anew" in terminal.read_until(DIED)
        terminal.read_until("stopped: q was pressed")
        assert terminal.wait() == 0
        assert terminal.is_as_before


@pytest.mark.full
def test_sessions_may_die_one_after_another_and_the_last_is_mended(tmp_path: Path) -> None:
    """Crash, r, crash, any key, crash, a save: it answers; then q."""
    folder = crashing(tmp_path)
    with Terminal(folder, CALLED) as terminal:
        for key in "r ":
            terminal.read_until(TO_DO)
            terminal.press(key)
            terminal.read_until(f"{key} pressed: it begins anew, without its state")
        terminal.read_until(TO_DO)
        set_step(folder, "10")
        assert "counter.c saved: it begins anew" in terminal.read_until(r"next\(\) → 10 ")
        terminal.press("r")
        terminal.read_until(r"next\(\) → 20 ")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.is_as_before


@pytest.mark.full
def test_keys_pressed_before_a_crash_are_answered_after_it(tmp_path: Path) -> None:
    """r reaches the session, which dies of it; q, pressed with it, is there for who looks after it."""
    folder = copy_counter(tmp_path / "counter")
    make_mistake(folder, "next", "    static int calls;\n    if (++calls == 2) { abort(); }\n")
    with Terminal(folder, f"{CALLED} --call 'next()' --call 'value()'") as terminal:
        terminal.read_until("it crashed with SIGABRT")
        make_mistake(folder, "value", '    if (value != 0 && access("crash", F_OK) == 0) { abort(); }\n')
        terminal.read_until(r"value\(\) → 2 ")
        (folder / "crash").touch()
        terminal.press("rq")
        terminal.read_until(r"it crashed with SIGABRT in call value\(\)")
        terminal.read_until("stopped: q was pressed")
        assert terminal.wait() == 0
        assert terminal.is_as_before


@pytest.mark.full
@pytest.mark.parametrize("end", ["q", "^C", "kill"])
def test_the_terminal_is_put_back_while_a_plugin_hangs(tmp_path: Path, end: str) -> None:
    """Keys are answered then, too: one that was pressed before it was told, as well."""
    folder = copy_counter(tmp_path / "counter")
    make_mistake(folder, "next", HANG)
    with Terminal(folder, CALLED) as terminal:
        terminal.read_until("generation 1 .* serves")
        if end == "q":
            terminal.press("q")
        terminal.read_until(r"it has not returned from call next\(\) for 5 s; if it does, it goes on")
        if end == "^C":
            terminal.press("\x03")
        elif end == "kill":
            terminal.send(signal.SIGTERM)
        assert terminal.wait() == {"q": 0, "^C": 130, "kill": 143}[end]
        assert terminal.is_as_before


@pytest.mark.full
def test_a_key_begins_anew_what_hangs(tmp_path: Path) -> None:
    """For who knows that it would not hang again."""
    folder = copy_counter(tmp_path / "counter")
    make_mistake(folder, "next", '    if (access("hang", F_OK) == 0) { for (;;) { pause(); } }\n')
    (folder / "hang").touch()
    with Terminal(folder, CALLED) as terminal:
        terminal.read_until("it has not returned from")
        (folder / "hang").unlink()
        terminal.press("r")
        terminal.read_until(r"next\(\) → 1 ")
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert terminal.is_as_before


@pytest.mark.full
@pytest.mark.parametrize(("mode", "end"), [("cooked echo", "abort();"), ("raw", "abort();"), ("raw", "pause();")])
def test_a_terminal_that_a_plugin_changed_is_put_back(tmp_path: Path, mode: str, end: str) -> None:
    """A crash within curses, for one; and keys arrive one by one again before that, and ^C interrupts."""
    folder = copy_counter(tmp_path / "counter")
    make_mistake(folder, "next", f'    if (system("stty {mode}") == 0) {{ {end} }}\n')
    with Terminal(folder, CALLED) as terminal:
        terminal.read_until("to do: mend it and save")
        assert terminal.is_cbreak
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert terminal.is_as_before


@pytest.mark.full
def test_interrupt_while_a_session_starts_is_no_traceback(tmp_path: Path) -> None:
    """The first line is shown before the session's Python is up."""
    with Terminal(copy_counter(tmp_path / "counter")) as terminal:
        terminal.read_until("hotgraft dev: counter")
        terminal.press("\x03")
        assert terminal.wait() == 130
        assert terminal.is_as_before
        assert "Traceback" not in terminal.rest()


@pytest.mark.full
def test_a_key_at_the_moment_a_hang_ends_is_answered(tmp_path: Path) -> None:
    """Both processes wake for it then; one reads it, and either knows what q means."""
    folder = copy_counter(tmp_path / "counter")
    waits_for = folder / "waits for"
    waits_for.touch()
    make_mistake(folder, "next", HANG_UNTIL_REMOVED % waits_for)
    with Terminal(folder, CALLED) as terminal:
        terminal.read_until("it has not returned from")
        waits_for.unlink()
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.is_as_before
