"""The commands as a shell sees them: words, exit codes, JSON, environment, speed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_modules import HEAVY, modules_of
from command_scene import as_json, hotgraft
from hotgraft import _core
from hotgraft.cli.main import COMMANDS
from hotgraft.engine.build import build_plugin
from hotgraft.engine.doctor import _hosts, _limits, _membarrier, _staging
from hotgraft.engine.leftovers import left_folders, mapped_copies
from hotgraft.engine.new_plugin import new_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WAYS = ["compiler", pytest.param("cmake", marks=pytest.mark.full)]


@pytest.fixture
def gain(tmp_path: Path) -> Path:
    """A new plugin's folder."""
    new_plugin("gain", tmp_path)
    return tmp_path / "gain"


# A read may open an image and its descriptor; nothing of it loads, builds or watches.
READS = {
    "inspect": (("build/gain.so",), {"msgspec", "hotgraft._core"}),
    "check": (("build/gain.so",), {"msgspec", "hotgraft._core"}),
    "diff": (("build/gain.so", "build/gain.so"), {"msgspec", "hotgraft._core"}),
    "graph": (("build/gain.so",), {"msgspec", "hotgraft._core"}),
    "config": (("show",), set()),
    "completion": (("bash",), set()),
    "bind": (("--list",), {"msgspec"}),
}


HELPED: tuple[tuple[str, ...], ...] = ((), *((name,) for name in COMMANDS))


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], set[str]]:
    """What is imported for the help of each command, and for the help of none."""
    commands = [(*words, "--help") for words in HELPED]
    return dict(zip(HELPED, modules_of(commands, tmp_path_factory.mktemp("help")), strict=True))


@pytest.mark.parametrize("words", HELPED, ids=lambda words: " ".join(words) or "none")
def test_help_imports_nothing_heavy(helped: dict[tuple[str, ...], set[str]], words: tuple[str, ...]) -> None:
    """150 ms of CPU is what a person does not notice; what is imported can be counted, time cannot."""
    loaded = helped[words]
    assert "click" in loaded
    assert not loaded & HEAVY
    assert len(loaded) < 250


def test_reads_import_nothing_that_only_a_host_or_a_build_needs(gain: Path) -> None:
    """For the same 150 ms: `hotgraft check` in a loop over a hundred images is a common script."""
    build_plugin(gain)
    commands = [(name, *words) for name, (words, _) in READS.items()]
    for name, loaded in zip(READS, modules_of(commands, gain), strict=True):
        assert loaded & HEAVY == READS[name][1], name
        assert len(loaded) < 250, name


def test_lazy_names_of_the_package_are_the_promised_ones() -> None:
    """What is imported late must be there for who asks, and for `import *`."""
    code = (
        "import hotgraft\npromised = set(hotgraft.__all__)\n"
        "assert set(hotgraft._HOMES) < promised <= set(dir(hotgraft))\n"
        "assert all(getattr(hotgraft, name).__name__ == name for name in promised)\n"
        "from hotgraft import *\nassert Host is hotgraft.Host"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_command_names_the_nearest(tmp_path: Path) -> None:
    """A slip of the finger costs one look."""
    assert "Did you mean 'build'?" in hotgraft("biuld", folder=tmp_path, code=2)[1]


def test_build_says_what_it_made_and_leaves_nothing_else(gain: Path) -> None:
    """The image appears in one step, beside what bind wrote."""
    said, _ = hotgraft("build", "--way", "compiler", folder=gain)
    assert said.startswith("build/gain.so  (with compiler, ")
    assert sorted(p.name for p in (gain / "build").iterdir()) == [
        "gain.so", "gain_descriptor.h", "gain_interface.py", "gain_interface.pyi", "gain_wrapper.hpp",
    ]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_compiler_error_is_shown_as_it_was_drawn_and_the_last_image_stays(gain: Path, way: str) -> None:
    """File, line and caret; exit 9; and who runs the old image goes on with it."""
    hotgraft("build", "--way", way, folder=gain)
    image = gain / "build" / "gain.so"
    before = (image.stat().st_ino, image.read_bytes())
    source = gain / "gain.c"
    source.write_text(source.read_text().replace("2.0f * in[i]", "2.0f * inn[i]"))

    _, words = hotgraft("build", "--way", way, folder=gain, code=9)

    assert "; build/gain.so stays as it was\n  to do: mend what it says here\n" in words
    assert "gain.c:18:25: error:" in words
    assert "2.0f * inn[i]" in words
    assert "^~~" in words
    assert (image.stat().st_ino, image.read_bytes()) == before
    assert not list((gain / "build").glob(".*partial"))


@pytest.mark.parametrize("way", WAYS)
def test_refusal_of_bind_ends_with_three(gain: Path, way: str) -> None:
    """Another code than the compiler's: the header is wrong, not the C."""
    header = gain / "gain.h"
    header.write_text(header.read_text().replace("uint64_t n);", "long n);"))
    said, words = hotgraft("build", "--way", way, "--json", folder=gain, code=3)
    assert "gain.h:15: process, parameter n: long: its width depends on the platform: use int64_t" in words
    error = as_json(said)["error"]
    assert error["kind"] == "BindError"
    assert any("use int64_t" in one for one in error["found"])


@pytest.mark.parametrize("way", WAYS)
def test_warnings_of_a_build_that_succeeds_are_shown(gain: Path, way: str) -> None:
    """-Wall is for the author, and a build that works may still be wrong."""
    source = gain / "gain.c"
    source.write_text(source.read_text().replace("    for (uint64_t i", "    int unused;\n    for (uint64_t i"))
    said, words = hotgraft("build", "--way", way, "--json", folder=gain)
    assert "unused variable" in as_json(said)["warnings"]
    assert words == ""
    source.write_text(source.read_text() + "\n")
    assert "unused variable" in hotgraft("build", "--way", way, folder=gain)[1]


def test_compiler_and_flags_come_from_the_environment(gain: Path) -> None:
    """As make has it: $CC, $CFLAGS, $CPPFLAGS, $LDFLAGS; a launcher before the compiler is part of $CC."""
    source = gain / "gain.c"
    source.write_text(source.read_text().replace("2.0f", "FACTOR"))
    hotgraft("build", "--way", "compiler", folder=gain, code=9)
    hotgraft("build", "--way", "compiler", folder=gain, CPPFLAGS="-DFACTOR=2.0f", CC="env cc", CFLAGS="-O0 -DX=1")
    wrong = {"CPPFLAGS": "-DFACTOR=2.0f", "LDFLAGS": "-Wl,--no-such-flag"}
    assert "--no-such-flag" in hotgraft("build", "--way", "compiler", folder=gain, code=9, **wrong)[1]


@pytest.mark.full
def test_changed_flags_reach_cmake(gain: Path) -> None:
    """CMake reads them once; a build that says it respects them must begin anew."""
    hotgraft("build", "--way", "cmake", folder=gain)
    source = gain / "gain.c"
    source.write_text(source.read_text().replace("2.0f", "FACTOR"))
    hotgraft("build", "--way", "cmake", folder=gain, code=9)
    hotgraft("build", "--way", "cmake", folder=gain, CFLAGS="-DFACTOR=2.0f")


@pytest.mark.full
def test_generator_with_several_configurations_builds_the_one_that_is_used(gain: Path) -> None:
    """$CMAKE_GENERATOR is the author's; an image of another configuration would be a stale one."""
    hotgraft("build", "--way", "cmake", folder=gain, CMAKE_GENERATOR="Ninja Multi-Config")
    assert (gain / "build" / "cmake" / "RelWithDebInfo" / "gain.so").is_file()
    assert not (gain / "build" / "cmake" / "Debug" / "gain.so").exists()
    assert (gain / "build" / "gain.so").is_file()


@pytest.mark.full
def test_cmake_project_without_the_plugin_says_what_to_write(gain: Path) -> None:
    """The project builds, and yet there is no image."""
    (gain / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(other LANGUAGES C)\n")
    _, words = hotgraft("build", folder=gain, code=9)
    assert "hotgraft_add_plugin(gain SOURCES gain.c MANIFEST plugin.toml)" in words


def test_without_cmake_the_compiler_does(gain: Path, tmp_path: Path) -> None:
    """A CMakeLists.txt is there, and CMake is not: the folder still builds."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("cc", "as", "ld"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    assert "(with compiler, " in hotgraft("build", folder=gain, PATH=str(tools))[0]
    assert "cmake is not on the path" in hotgraft("build", "--way", "cmake", folder=gain, code=9, PATH=str(tools))[1]
    (tools / "cc").unlink()
    assert "cc, gcc, clang: could not find a compiler" in hotgraft("build", folder=gain, code=9, PATH=str(tools))[1]


def test_bind_takes_the_manifest_it_is_given(gain: Path) -> None:
    """Two manifests in one folder: the one that was named is bound."""
    other = gain / "other.toml"
    other.write_text((gain / "plugin.toml").read_text().replace('name = "gain"', 'name = "other"'))
    hotgraft("bind", "other.toml", "-o", "out", folder=gain)
    assert (gain / "out" / "other_descriptor.h").is_file()


def test_depfile_names_everything_that_bind_read(gain: Path) -> None:
    """What is missing there is not bound again when it changes."""
    manifest = gain / "plugin.toml"
    manifest.write_text(manifest.read_text() + '\n[config]\nschema = "a schema.json"\n')
    (gain / "a schema.json").write_text("{}")
    hotgraft("bind", "--depfile", "d", "--depfile-target", "x", folder=gain)
    rule = (gain / "d").read_text().replace("\\\n", "")
    real = str(gain.resolve()).replace(" ", "\\ ")
    assert rule.split(": ")[0] == "x"
    for name in ("plugin.toml", "gain.h", "a\\ schema.json"):
        assert f"{real}/{name}" in rule


def test_folder_without_a_manifest_is_refused_in_words(tmp_path: Path) -> None:
    """The wrong folder is the commonest mistake, and no fault of a compiler's."""
    _, words = hotgraft("build", folder=tmp_path, code=3)
    assert "it holds no plugin.toml" in words
    assert "to do: give a plugin's folder, or begin one: hotgraft new NAME" in words


def test_what_the_system_refuses_is_said_without_a_traceback(tmp_path: Path) -> None:
    """A name that is a file where a folder must be made."""
    (tmp_path / "build").write_text("mine")
    (tmp_path / "plugin.toml").write_text("[plugin]\nname = 'gain'\nversion = '1.0.0'\n")
    _, words = hotgraft("bind", folder=tmp_path, code=1)
    assert words == "build: File exists; nothing was changed there\n"


def test_inspect_shows_what_the_plugin_offers(gain: Path) -> None:
    """Facts, descriptor, hazards: aligned, for a person."""
    hotgraft("build", "--way", "compiler", folder=gain)
    said, _ = hotgraft("inspect", "build/gain.so", folder=gain)
    lines = said.splitlines()
    assert lines[:2] == ["build/gain.so: gain 0.1.0", "would be accepted here"]
    assert "  exports   hotgraft_plugin_v1" in lines
    assert "  provides  gain/1.0" in lines
    assert "            process(self, in: f32[n] in, out: f32[n] out, n: u64) -> status" in lines
    assert "  none that the file shows" in lines


def test_inspect_says_what_would_be_refused_and_what_to_do(tmp_path: Path) -> None:
    """All of it at once, each with its rule and its advice."""
    (tmp_path / "t.c").write_text("extern void nowhere(void); void f(void) { nowhere(); }")
    subprocess.run(["cc", "-shared", "-fPIC", "-zexecstack", "t.c", "-o", "t.so"], cwd=tmp_path, check=True)
    said, _ = hotgraft("inspect", "t.so", "--json", folder=tmp_path)
    found = as_json(said)
    assert not found["accepted"]
    assert {one["rule"] for one in found["refusals"]} == {"symbol", "execstack", "entry", "descriptor"}
    assert all(one["advice"] for one in found["refusals"])
    text, _ = hotgraft("inspect", "t.so", folder=tmp_path)
    assert text.splitlines()[1] == "would be refused here:"
    assert text.count("to do: ") == 4


def test_inspect_claims_nothing_about_what_it_did_not_read(gain: Path) -> None:
    """Of another machine's image only the head is read: "no hazards" would be a guess."""
    data = bytearray(build_plugin(gain).read_bytes())
    data[18] = 183  # e_machine: AArch64
    (gain / "other.so").write_bytes(data)
    said, _ = hotgraft("inspect", "other.so", folder=gain)
    assert "machine is AArch64; this process is x86-64" in said
    assert said.endswith("hazards\n  not looked for in such a file\n")


def test_inspect_of_a_file_that_was_cut_short_says_where_and_what_to_do(gain: Path) -> None:
    """The file a slow copy leaves for a moment."""
    (gain / "cut.so").write_bytes(build_plugin(gain).read_bytes()[:9000])
    said, _ = hotgraft("inspect", "cut.so", folder=gain)
    assert "of a file of 9000 bytes" in said
    assert "to do: the file is damaged or was not written whole" in said


def test_check_ends_with_three_when_one_is_refused(gain: Path) -> None:
    """For CI: every image is looked at, and none of the good ones hides a bad one."""
    hotgraft("build", "--way", "compiler", folder=gain)
    (gain / "empty.so").write_bytes(b"")
    said, _ = hotgraft("check", "build/gain.so", folder=gain)
    assert said == "build/gain.so: gain 0.1.0: would be accepted here\n"
    said, _ = hotgraft("check", "empty.so", "build/gain.so", "--json", folder=gain, code=3)
    assert [one["accepted"] for one in as_json(said)["images"]] == [False, True]
    hotgraft("check", "nowhere.so", folder=gain, code=2)


def test_every_option_can_come_from_the_environment(gain: Path) -> None:
    """Named by the option as it is typed, not by what the code calls it."""
    found = as_json(hotgraft("build", folder=gain, HOTGRAFT_BUILD_JSON="1", HOTGRAFT_BUILD_WAY="compiler")[0])
    assert found["way"] == "compiler"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("hotgraft in", ["plain,inspect"]),
        ("hotgraft state ex", ["plain,export"]),
        ("hotgraft dev --reload-d", ["plain,--reload-dir", "plain,--reload-delay"]),
        ("hotgraft build --way c", ["plain,cmake", "plain,compiler"]),
    ],
)
def test_completion_completes_commands_options_and_values(tmp_path: Path, typed: str, offered: list[str]) -> None:
    """click's own scripts ask the program itself."""
    said, _ = hotgraft("completion", "bash", folder=tmp_path)
    assert "_HOTGRAFT_COMPLETE=bash_complete" in said
    code = "from hotgraft.cli.main import main; main()"
    words = {"_HOTGRAFT_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **words}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == offered


@pytest.mark.full
def test_doctor_tries_what_it_says(tmp_path: Path) -> None:
    """On a machine that runs these tests nothing is wrong."""
    found = as_json(hotgraft("doctor", "--json", folder=tmp_path)[0])
    levels = {one["part"]: one["level"] for one in found["parts"]}
    assert found["well"]
    for part in ("package", "C compiler", "C++ compiler", "loader", "staging folder"):
        assert levels[part] == "ok"


def test_doctor_names_the_compiler_that_fails_and_what_to_do(tmp_path: Path) -> None:
    """The words of a machine on which nothing can be built."""
    said, _ = hotgraft("doctor", folder=tmp_path, code=4, CC="false", CXX="false")
    assert "WRONG  C compiler" in said
    assert "to do: this compiler cannot build a plugin: mend it, or set $CC to another" in said


def test_doctor_warns_of_low_limits_and_of_a_kernel_without_membarrier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both work, and both cost something: a warning says what to do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        (files,) = [one for one in _limits() if one.part == "open files"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (files.level, files.found, files.advice) == ("warning", "256 open files", "ulimit -n 4096")

    monkeypatch.setattr(_core, "has_membarrier", lambda: False)
    assert _membarrier().level == "warning"
    assert "seccomp" in _membarrier().advice


@pytest.fixture
def stuck_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A host elsewhere whose first library cannot leave memory; it kills itself when it is spoken to.

    Its staged copies go into the folder `staging` of the test's own.
    """
    code = (
        "import hotgraft, os, signal, sys\nhost = hotgraft.Host()\nhost.load(sys.argv[1])\nhost.reload('gain')\n"
        "print('serves', flush=True)\nsys.stdin.read()\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    monkeypatch.setenv("LDFLAGS", "-Wl,-z,nodelete")
    new_plugin("gain", tmp_path)
    image = build_plugin(tmp_path / "gain")
    (tmp_path / "staging").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", code, image],
        env={**os.environ, "TMPDIR": str(tmp_path / "staging")},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "serves\n"
        yield child


@pytest.mark.full
def test_libraries_that_stay_and_folders_of_killed_hosts_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stuck_host: subprocess.Popen[str]
) -> None:
    """A host that is killed cannot clean up; doctor can say where, and which living one has a library too many."""
    pid, staging = stuck_host.pid, tmp_path / "staging"
    assert left_folders(staging) == ()
    assert [one.generations for one in mapped_copies() if one.pid == pid] == [{"gain": (1, 2)}]
    (host,) = [one for one in _hosts() if f"process {pid} " in one.found]
    assert (host.level, host.found.endswith("gain g1+g2")) == ("warning", True)
    assert host.advice == "gain: older generations stay: host.unloads() there says whether held or stuck, and why"
    stuck_host.communicate(timeout=60)

    (left,) = left_folders(staging)

    assert left.pid == pid
    assert left.files >= 1
    monkeypatch.setattr(tempfile, "tempdir", str(staging))
    advice = [one.advice for one in _staging() if one.part == "leftovers"]
    assert advice == [f"hosts that were killed left these: rm -r {left.path}"]
