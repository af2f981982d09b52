"""`hotgraft new`: what it writes builds, passes its own test and can be replaced; what it refuses leaves nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hotgraft.core.errors import BindError, ManifestError
from hotgraft.engine.build import build_plugin
from hotgraft.engine.new_names import SYSTEM_HEADERS, name_refusals
from hotgraft.engine.new_plugin import new_plugin

PLUGINS = Path(__file__).parents[2] / "plugins_c"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
INTERFACES = {"c": PLUGINS / "biquad" / "v2" / "biquad.h", "cpp": PLUGINS / "textstats" / "v2" / "textstats.h"}

CASES = {
    "c": {},
    "cpp": {"is_cpp": True},
    "c for an interface": {"interface": INTERFACES["c"]},
    "cpp for an interface": {"interface": INTERFACES["cpp"], "is_cpp": True},
}


def own_test(folder: Path, **environment: str) -> str:
    """Run the plugin's own test and return what it said."""
    test = next(folder.glob("test_*.py"))
    done = subprocess.run(
        [sys.executable, "-W", "error", test],
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.full
@pytest.mark.parametrize("case", ["c", "cpp"])  # the others with both compilers, below
def test_new_plugin_builds_without_a_warning_and_passes_its_own_test(tmp_path: Path, case: str) -> None:
    """An author's first minute: the test loads it, calls it and replaces it while it is loaded."""
    files = new_plugin("first-one", tmp_path, **CASES[case])  # type: ignore[arg-type] # one row of keywords
    assert len(files) <= 6
    assert sorted(files) == sorted(p for p in (tmp_path / "first-one").iterdir())
    build_plugin(tmp_path / "first-one", flags=WARNINGS)
    assert "Ran 2 tests" in own_test(tmp_path / "first-one")


@pytest.mark.full
@pytest.mark.parametrize("family", ["gcc", "clang"])
@pytest.mark.parametrize("case", CASES)
def test_new_plugin_builds_with_both_compilers(tmp_path: Path, case: str, family: str) -> None:
    """The machine's compiler is not ours to choose."""
    compiler = {"gcc": "g++", "clang": "clang++"}[family] if "cpp" in case else family
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    new_plugin("mixer", tmp_path, **CASES[case])  # type: ignore[arg-type] # one row of keywords
    build_plugin(tmp_path / "mixer", flags=WARNINGS, compiler=compiler)
    assert "Ran 2 tests" in own_test(tmp_path / "mixer")


def test_no_placeholder_is_left(tmp_path: Path) -> None:
    """A name that a template spells differently would be written out as it stands."""
    for number, keywords in enumerate(CASES.values()):
        for file in new_plugin(f"p{number}", tmp_path, **keywords):  # type: ignore[arg-type] # one row of keywords
            assert not re.search(r"@\w+@", file.read_text()), file


@pytest.mark.full
def test_its_own_test_fails_when_the_plugin_is_wrong(tmp_path: Path) -> None:
    """A test that cannot fail teaches nothing."""
    new_plugin("gain", tmp_path)
    source = tmp_path / "gain" / "gain.c"
    source.write_text(source.read_text().replace("2.0f * in[i]", "3.0f * in[i]"))
    build_plugin(tmp_path / "gain")
    test = tmp_path / "gain" / "test_gain.py"
    done = subprocess.run([sys.executable, test], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "test_process_doubles_every_sample" in done.stderr


@pytest.mark.full
def test_edit_after_edit_hot_reloads(tmp_path: Path) -> None:
    """What the folder is for: another build takes over, and the count of samples goes on."""
    import array

    import hotgraft

    new_plugin("gain", tmp_path)
    folder = tmp_path / "gain"
    build_plugin(folder)
    ones, out = array.array("f", [1.0]), array.array("f", [0.0])
    with hotgraft.Host() as host:
        plugin = host.load(folder / "plugin.toml")
        for factor in (2, 3, 4):
            plugin.process(ones, out, 1)
            assert out[0] == factor
            source = folder / "gain.c"
            source.write_text(source.read_text().replace(f"{factor}.0f *", f"{factor + 1}.0f *"))
            build_plugin(folder)
            host.reload("gain")
        assert plugin.processed() == 3


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "it is empty"),
        ("Gain", "'gain' would do"),
        ("2gain", "begins with '2'"),
        ("-gain", "begins with '-'"),
        ("my gain", "it holds ' '"),
        ("gäin", "it holds 'ä'"),
        ("../gain", "a name is no path"),
        ("g" * 65, "ends at 64"),
        ("g" * 64, "ends at 63"),
        ("math", "math.h, and the system has one"),
        ("test", "CMake has a target called test"),
        ("hotgraft", "hotgraft's own"),
    ],
)
def test_name_that_would_not_build_is_refused_in_words(tmp_path: Path, name: str, word: str) -> None:
    """Said now, in words, instead of by a compiler later."""
    with pytest.raises(ManifestError, match=re.escape(word)) as caught:
        new_plugin(name, tmp_path)
    assert caught.value.advice
    assert "nothing was written" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_header_that_is_refused_is_one_the_system_has() -> None:
    """A list of names grows wrong in silence; most of it can be looked up here."""
    here = {file.stem for file in Path("/usr/include").glob("*.h")} | {"float", "stdarg", "stdatomic", "stdbool"}
    missing = {name for name in SYSTEM_HEADERS if name not in here}
    assert missing <= {"stdalign", "stddef", "stdint", "stdnoreturn", "iso646", "varargs", "limits", "stropts", "ndbm",
                       "error", "trace"}  # fmt: skip # the compiler's own, or POSIX's that glibc lacks
    assert name_refusals("gain") == ()


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    """Neither a folder nor a file, and nothing beside it."""
    (tmp_path / "gain").mkdir()
    (tmp_path / "gain" / "mine.txt").write_text("mine")
    (tmp_path / "mixer").write_text("mine")
    for name in ("gain", "mixer"):
        with pytest.raises(FileExistsError):
            new_plugin(name, tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["gain", "mine.txt", "mixer"]


def test_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up in the middle: the next attempt must not meet the remains of this one."""

    def write(path: Path, text: str, **_: str) -> int:
        if path.name == "CMakeLists.txt":
            raise OSError(28, "No space left on device")
        return real(path, text)

    real = Path.write_text
    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(OSError, match="No space left"):
        new_plugin("gain", tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    assert len(new_plugin("gain", tmp_path)) == 6


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("int f(void);", "declares no interface"),
        ("typedef struct x_v1 { uint32_t struct_size; } x_v1;", "has no include guard"),
        (
            "#pragma once\ntypedef struct x_v1 { uint32_t struct_size; void (*f)(void *self, long n); } x_v1;",
            "use int64_t",
        ),
        ('#include "mine.h"\ntypedef struct x_v1 { uint32_t struct_size; } x_v1;', "'mine.h', which stands beside it"),
    ],
)
def test_interface_that_cannot_cross_is_refused_and_leaves_nothing(tmp_path: Path, text: str, word: str) -> None:
    """With the words of bind, about the author's own file."""
    header = tmp_path / "given" / "x.h"
    header.parent.mkdir()
    header.write_text(text)
    with pytest.raises(BindError, match=re.escape(word)) as caught:
        new_plugin("gain", tmp_path, interface=header)
    assert caught.value.on == str(header)
    assert "/.gain." not in str(caught.value)  # not a folder that nobody knows
    assert sorted(p.name for p in tmp_path.iterdir()) == ["given"]


def test_interface_brings_its_version_along(tmp_path: Path) -> None:
    """The manifest says what the header's HOTGRAFT_SINCE says."""
    header = tmp_path / "x.h"
    header.write_text(
        "#pragma once\n#include <hotgraft/hotgraft.h>\n"
        "typedef struct x_v2 {\n    uint32_t struct_size;\n    void (*f)(void *self);\n"
        "    double (*level)(void *self) HOTGRAFT_SINCE(2, 3);\n} x_v2;\n"
    )
    new_plugin("gain", tmp_path, interface=header)
    assert 'version = "2.3"' in (tmp_path / "gain" / "plugin.toml").read_text()
    build_plugin(tmp_path / "gain", flags=WARNINGS)
