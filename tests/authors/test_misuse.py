"""The commands used as nobody meant: odd compilers, interrupts, closed pipes, full disks, no colours."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_scene import as_json, hotgraft
from hotgraft.cli.main import COMMANDS
from hotgraft.engine.new_plugin import new_plugin

DEADLINE_S = 60.0
ESCAPE = b"\x1b["
HOTGRAFT = [sys.executable, "-m", "hotgraft.cli.main"]


@pytest.fixture
def gain(tmp_path: Path) -> Path:
    """A new plugin's folder, in a folder with a space and letters that are no ASCII."""
    place = tmp_path / "a b ü"
    place.mkdir()
    new_plugin("gain", place)
    return place / "gain"


def tool(path: Path, text: str) -> str:
    """Write a program; return its path as $CC has it."""
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\nkill -SEGV $$\n", "was ended by SIGSEGV"),
        ("#!/bin/sh\nkill -40 $$\n", "was ended by signal 40"),
        ("#!/bin/sh\nexit 0\n", "ended with 0 and wrote no image"),
        ("#!/no/such/interpreter\n", "could not be started: No such file or directory"),
        ("\x7fELF and nothing more", "could not be started: Exec format error"),
        ("#!/bin/sh\nprintf 'caf\\351: error: who\\n' >&2; exit 1\n", "caf\ufffd: error: who"),
    ],
    ids=["crash", "signal without a name", "no image", "no interpreter", "no program", "latin-1"],
)
def test_compiler_that_is_none_ends_the_build_in_words(gain: Path, tmp_path: Path, script: str, words: str) -> None:
    """Nine, as for any compiler that says no, and nothing is left in the folder."""
    fake = tool(tmp_path / "cc", script)
    said, err = hotgraft("build", "--way", "compiler", "--json", folder=gain, code=9, CC=fake)
    assert words in err
    assert as_json(said)["error"]["kind"] == "BuildError"
    assert not list((gain / "build").glob(".*"))


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CC", "clagn-99 -O1", "$CC: could not find a compiler: clagn-99 is not on the path"),
        ("CC", "cc 'half", 'could not read $CC: "cc \'half": no closing quotation'),
        ("CFLAGS", '"', "could not read $CFLAGS: '\"': no closing quotation"),
        ("LDFLAGS", "'", 'could not read $LDFLAGS: "\'": no closing quotation'),
    ],
)
def test_variable_that_cannot_be_followed_is_named(gain: Path, variable: str, value: str, words: str) -> None:
    """A compiler that was asked for and is not there must not become another one in silence."""
    wanted: dict[str, str] = {variable: value}
    _, err = hotgraft("build", "--way", "compiler", folder=gain, code=9, **wanted)
    assert words in err


def test_empty_variables_are_as_unset(gain: Path) -> None:
    """As make has it."""
    hotgraft("build", "--way", "compiler", folder=gain, CC=" ", CFLAGS="")


def test_folder_that_cannot_be_written_is_named(gain: Path) -> None:
    """With its reason; as JSON where asked for. A file in the folder's place: root may write everywhere."""
    (gain / "build").write_text("mine")
    said, err = hotgraft("build", "--way", "compiler", "--json", folder=gain, code=1)
    assert err == "build: File exists; nothing was changed there\n"
    assert as_json(said) == {"error": {"kind": "FileExistsError", "on": "build", "found": ["File exists"]}}


def test_source_folder_without_sources_points_to_cmake(gain: Path) -> None:
    """`--way compiler` on a project that has its sources elsewhere."""
    (gain / "src").mkdir()
    (gain / "gain.c").rename(gain / "src" / "gain.c")
    _, err = hotgraft("build", "--way", "compiler", folder=gain, code=9)
    assert "no .c, .cpp, .cc or .cxx file" in err
    assert "to do: let its CMakeLists.txt say what to build: --way cmake" in err


def test_what_editors_leave_beside_a_source_is_not_compiled(gain: Path) -> None:
    """Emacs' lock and autosave, vim's swap and backup, a merge's leftovers; and no FIFO is waited for."""
    (gain / ".#gain.c").symlink_to("me@here.1234:5678")
    for name in (".gain.c.swp", "#gain.c#", "gain.c~", "gain.c.orig", "._gain.c"):
        (gain / name).write_text("no C")
    os.mkfifo(gain / "pipe.c")
    hotgraft("build", "--way", "compiler", folder=gain)


@pytest.mark.full
def test_builds_of_one_folder_take_turns(gain: Path, tmp_path: Path) -> None:
    """Two `hotgraft dev`, or one and an editor that builds: else the older could put its image over the newer one's."""
    busy, wrong = tmp_path / "busy", tmp_path / "wrong"
    text = f"#!/bin/sh\nmkdir '{busy}' || touch '{wrong}'\ncc \"$@\"\nended=$?\nrmdir '{busy}'\nexit $ended\n"
    command = [*HOTGRAFT, "build", "--way", "compiler"]
    environment = {**os.environ, "CC": tool(tmp_path / "slow", text)}
    builds = [subprocess.Popen(command, cwd=gain, env=environment, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [build.wait(DEADLINE_S) for build in builds] == [0] * len(builds)
    assert not wrong.exists()


def start(*words: str, folder: Path, environment: dict[str, str], stdout: int) -> subprocess.Popen[bytes]:
    """Start a command for which ^C is not ignored, whatever these tests were started by."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return subprocess.Popen(
            [*HOTGRAFT, *words], cwd=folder, env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.full
@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("build", "--way", "compiler"), 130, id="build"),
        pytest.param(("doctor",), 130, id="doctor", marks=pytest.mark.full),
        pytest.param(("dev",), 130, id="dev"),
        pytest.param(("demo",), 130, id="demo", marks=pytest.mark.full),
    ],
)
def test_interrupt_ends_a_command_without_a_traceback(
    gain: Path, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    """While the compiler runs: the image stays as it was, no half of one is left, and 130 is what a shell expects."""
    fifo = tmp_path / "runs"
    os.mkfifo(fifo)
    # The compiler says that it runs, and waits; of its own group, it must be ended by who started it.
    fake = tool(tmp_path / "cc", f"#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho > '{fifo}'\nexec cat '{fifo}'\n")
    child = start(*words, folder=gain, environment={"CC": fake}, stdout=subprocess.PIPE)
    with child:
        with fifo.open() as news:
            assert news.readline() == "\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, b"Traceback" in err) == (code, False), err
    assert not list((gain / "build").glob(".*"))


@pytest.mark.full
def test_run_ends_by_an_interrupt_as_it_is_meant_to(gain: Path) -> None:
    """^C is how it is stopped, so nothing went wrong: 0."""
    hotgraft("build", "--way", "compiler", folder=gain)
    with start("run", "build/gain.so", "--json", folder=gain, environment={}, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["event"] == "plugin.loaded"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err) == (0, b"")


@pytest.mark.full
@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "build/gain.so"),
        pytest.param(("inspect", "build/gain.so", "--json"), marks=pytest.mark.full),
        ("dev",),
    ],
)
def test_reader_that_goes_ends_a_command_in_silence(gain: Path, words: tuple[str, ...]) -> None:
    """`hotgraft inspect x | head -1`."""
    hotgraft("build", "--way", "compiler", folder=gain)
    reader, writer = os.pipe()
    os.close(reader)
    with start(*words, folder=gain, environment={}, stdout=writer) as child:
        os.close(writer)
        _, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err) == (1, b"")


@pytest.mark.full
def test_plugins_are_served_on_when_nobody_reads_what_is_told(gain: Path) -> None:
    """A log reader that dies must not cost a service; it is said once, and every reload still works."""
    hotgraft("build", "--way", "compiler", folder=gain)
    reader, writer = os.pipe()
    os.close(reader)
    with start("run", "build/gain.so", "--reload", folder=gain, environment={}, stdout=writer) as child:
        os.close(writer)
        assert child.stderr is not None
        assert child.stderr.readline() == b"stdout: Broken pipe; events are told no more, the plugins serve on\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err) == (0, b"")


@pytest.mark.full
def test_full_disk_behind_stdout_is_said(gain: Path) -> None:
    """`hotgraft inspect x > report`."""
    hotgraft("build", "--way", "compiler", folder=gain)
    with (
        Path("/dev/full").open("wb") as full,
        start("inspect", "build/gain.so", folder=gain, environment={}, stdout=full.fileno()) as child,
    ):
        _, err = child.communicate(timeout=DEADLINE_S)
    assert child.returncode != 0
    assert os.strerror(errno.ENOSPC).encode() in err
    assert b"Traceback" not in err


@pytest.mark.full
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("inspect",), id="inspect", marks=pytest.mark.full),
        pytest.param(("check",), id="check"),
        pytest.param(("inspect", "--json"), id="inspect --json"),
        pytest.param(("check", "--json"), id="check --json", marks=pytest.mark.full),
    ],
)
def test_name_that_is_no_text_is_refused_and_shown_all_the_same(gain: Path, words: tuple[str, ...]) -> None:
    """F13: bytes that are not UTF-8, in a terminal that is."""
    image = gain / os.fsdecode(b"caf\xe9.so")
    image.write_bytes(b"")
    with start(*words, image.name, folder=gain, environment={}, stdout=subprocess.PIPE) as child:
        out, err = child.communicate(timeout=DEADLINE_S)
    assert (child.returncode, err) == (3 if words[0] == "check" else 0, b"")
    assert rb"caf\udce9.so" in out
    assert b"its path holds bytes that are not UTF-8" in out
    if "--json" in words:
        assert not json.loads(out)["accepted"]


@pytest.mark.full
def test_name_that_a_host_refuses_is_refused_by_check_too(gain: Path) -> None:
    """F13: a sound image, and only its name is wrong; a newline in it would break every line that shows it."""
    hotgraft("build", folder=gain)
    (gain / "build" / "gain.so").rename(gain / "ga\nin.so")
    out, _ = hotgraft("check", "ga\nin.so", folder=gain, code=3)
    assert r"ga\nin.so" in out
    assert "the control character" in out


@pytest.mark.full
def test_terminal_without_our_letters_is_written_to(gain: Path) -> None:
    """A check mark is no reason to end a session."""
    words = ("dev", "--call", "process([1])")
    with start(*words, folder=gain, environment={"PYTHONIOENCODING": "ascii"}, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = next(line for line in child.stdout if line.startswith(b"  process"))
        assert said.startswith(rb"  process([1]) \u2192 out = [2]")
        child.send_signal(signal.SIGINT)
        assert (child.communicate(timeout=DEADLINE_S)[1], child.returncode) == (b"", 130)


def in_terminal(*words: str, folder: Path, **environment: str) -> bytes:
    """Run a command with a terminal for its output; return all that it wrote."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [*HOTGRAFT, *words], cwd=folder, env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **environment},
        stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    said = b""
    while select.select([master], [], [], DEADLINE_S)[0]:
        try:
            said += os.read(master, 65536)
        except OSError:  # EIO: the other side is closed
            break
    os.close(master)
    assert child.wait(DEADLINE_S) == 9, said
    return said


@pytest.mark.full
@pytest.mark.parametrize("way", ["compiler", "cmake"])
def test_colours_are_for_a_terminal_that_wants_them(gain: Path, way: str) -> None:
    """The compiler's own; not in a file, not with NO_COLOR, not in a terminal that knows none."""
    source = gain / "gain.c"
    source.write_text(source.read_text().replace("2.0f * in[i]", "2.0f * inn[i]"))
    words = ("build", "--way", way)
    coloured = in_terminal(*words, folder=gain)
    assert ESCAPE in coloured
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = in_terminal(*words, folder=gain, **environment)
        assert ESCAPE not in plain
        assert b"^~~" in plain
    assert "\x1b[" not in hotgraft(*words, folder=gain, code=9)[1]


VERBS = [(name,) for name in COMMANDS] + [("config", "show")]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_help_of_every_command_fits_a_terminal_and_breaks_no_word(tmp_path: Path, words: tuple[str, ...]) -> None:
    """80 columns, and no sentence that ends with an ellipsis."""
    said, _ = hotgraft(*words, "-h", folder=tmp_path, COLUMNS="80")
    assert said == hotgraft(*words, "--help", folder=tmp_path, COLUMNS="80")[0]
    assert max(map(len, said.splitlines())) <= 80
    usage, rest = said.split("\n", 1)
    assert usage.startswith(f"Usage: hotgraft {words[0]}")
    assert not re.search(r"\w\.\.\.$", rest, re.MULTILINE)


READS = [
    ("inspect", "f"), ("check", "f"), ("config", "show"), ("bench", "--list"), ("bind", "--list"),
    ("build", "--way", "compiler"), ("new", "other"),
]  # fmt: skip


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_every_command_that_reads_answers_with_one_object(gain: Path, words: tuple[str, ...]) -> None:
    """Whatever was found, stdout is JSON and nothing else."""
    (gain / "f").write_bytes(b"no image")
    code = {"check": 3}.get(words[0], 0)
    said, _ = hotgraft(*words, "--json", folder=gain, code=code)
    assert isinstance(as_json(said), dict)
