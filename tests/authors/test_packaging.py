"""What authors build against: in the wheel, in an editable install, with CMake, make, gcc and clang."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from doc_pages import environment_of, type_through
from installations import build_wheel, install
from one_at_a_time import one_at_a_time

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "packaging.md"
COMPILERS = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}

Environment = dict[str, str]


@pytest.fixture(scope="module")
def wheel(run_folder: Path) -> Path:
    """The wheel, built once for all workers."""
    folder = run_folder / "wheel"
    folder.mkdir(exist_ok=True)
    with one_at_a_time(folder):
        return next((folder / "dist").glob("*.whl"), None) or build_wheel(folder)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a venv that holds the wheel."""
    return install(wheel, tmp_path_factory.mktemp("venv"))


@pytest.fixture(scope="module")
def here() -> Environment:
    """The environment that the tests run in, editable or not."""
    return environment_of()


def run(*command: object, folder: Path, environment: Environment, succeeds: bool = True) -> str:
    """Run a command in `folder` and return what it said on both streams."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, text=True, timeout=240, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert (done.returncode == 0) is succeeds, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def begin(folder: Path, environment: Environment, name: str, *more: str) -> Path:
    """Begin a plugin outside of the repository."""
    run("hotgraft", "new", name, *more, folder=folder, environment=environment)
    return folder / name


def prove(project: Path, image: Path, environment: Environment) -> None:
    """Load the image in a host of that environment, call it and replace it: the plugin's own test does."""
    test = next(project.glob("test_*.py"))
    said = run("python", test.name, folder=project, environment={**environment, "PLUGIN_IMAGE": str(image)})
    assert "OK" in said


def needs(*tools: str) -> None:
    """Skip where one of `tools` is not installed."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def with_compiler(environment: Environment, family: str) -> Environment:
    """Let builds use gcc or clang."""
    c, cpp = COMPILERS[family]
    needs(c, cpp)
    return {**environment, "CC": c, "CXX": cpp}


def build_with_cmake(project: Path, environment: Environment, generator: str, *, cmake: str = "cmake") -> Path:
    """Configure and build a project as its author would; return the image."""
    needs(cmake, *(["ninja"] if generator == "Ninja" else ["make"]))
    found = run("python", "-m", "hotgraft", "--cmakedir", folder=project, environment=environment).strip()
    tree = project / "out"
    run(
        cmake, "-S", ".", "-B", tree, "-G", generator, f"-DCMAKE_PREFIX_PATH={found}", "-DCMAKE_BUILD_TYPE=Release",
        folder=project, environment=environment,
    )  # fmt: skip
    run(cmake, "--build", tree, folder=project, environment=environment)
    return tree / f"{project.name}.so"


@pytest.mark.full
@pytest.mark.timeout(1800)  # one of them builds the wheel
@pytest.mark.parametrize("family", COMPILERS)
def test_page_on_packaging_can_be_typed_through_with_a_wheel(
    tmp_path: Path, installed: Environment, family: str
) -> None:
    """Make and pkg-config, CMake, C and C++: with both compilers, from what a user has installed."""
    needs("cmake", "make", "pkg-config")
    printed = list(type_through(PAGE, tmp_path, with_compiler(installed, family)).printed.values())
    assert "2 0\n" in printed  # the host's block: generation 2 serves
    assert printed[-1].strip().count(".") == 2  # the embedded core's version
    for image in ("gain/build/gain.so", "out/gain.so"):
        prove(tmp_path / "gain", tmp_path / image, installed)
    for image in ("mixer/build/mixer.so", "out/mixer.so"):
        prove(tmp_path / "mixer", tmp_path / image, installed)


@pytest.mark.full
def test_cmake_project_outside_the_repository_builds_and_runs(tmp_path: Path, here: Environment) -> None:
    """The quick one of the matrix: what `hotgraft new` wrote, with CMake and Ninja."""
    project = begin(tmp_path, here, "gain")
    prove(project, build_with_cmake(project, here, "Ninja"), here)


@pytest.mark.full
@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.parametrize("family", COMPILERS)
@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_cmake_projects_build_against_the_wheel(
    tmp_path: Path, installed: Environment, generator: str, family: str, language: str
) -> None:
    """Every way to build with CMake, each in a project outside of the repository."""
    environment = with_compiler(installed, family)
    project = begin(tmp_path, environment, "gain", *(["--cpp"] if language == "cpp" else []))
    prove(project, build_with_cmake(project, environment, generator), environment)


SAFE = "-shared -fPIC -O2 -Wall -Wextra -fvisibility=hidden -Wl,-z,now -Wl,-z,noexecstack"
LINES = {
    ("c", "gcc"): f"$CC -std=c11 {SAFE}",
    ("c", "clang"): f"$CC -std=c11 {SAFE}",
    ("cpp", "gcc"): f"$CXX -std=c++17 {SAFE} -fvisibility-inlines-hidden -fno-gnu-unique",
    ("cpp", "clang"): f"$CXX -std=c++17 {SAFE} -fvisibility-inlines-hidden",
}


@pytest.mark.full
@pytest.mark.parametrize(("language", "family"), LINES)
def test_one_line_of_shell_builds_against_the_wheel(
    tmp_path: Path, installed: Environment, language: str, family: str
) -> None:
    """Who has a build of his own that knows neither CMake nor pkg-config: bind, a compiler, and --includes."""
    environment = with_compiler(installed, family)
    project = begin(tmp_path, environment, "gain", *(["--cpp"] if language == "cpp" else []))
    line = (
        f'hotgraft bind && {LINES[language, family]} -I"$(python -m hotgraft --includes)" -I. -Ibuild'
        f" gain.{language} -o build/gain.so && hotgraft check --strict build/gain.so"
    )
    run("sh", "-c", line, folder=project, environment=environment)
    prove(project, project / "build" / "gain.so", environment)


@pytest.mark.full
def test_oldest_cmake_will_do(tmp_path: Path, installed: Environment) -> None:
    """Debian 12 has 3.25: nothing newer may be used."""
    cmake = "/usr/bin/cmake"
    if (
        not Path(cmake).exists()
        or "3.25" not in subprocess.run([cmake, "--version"], capture_output=True, text=True).stdout
    ):
        pytest.skip("CMake 3.25 is not installed as /usr/bin/cmake")
    project = begin(tmp_path, installed, "gain", "--cpp")
    prove(project, build_with_cmake(project, installed, "Unix Makefiles", cmake=cmake), installed)


@pytest.mark.full
@pytest.mark.parametrize("generator", ["Ninja", "Unix Makefiles"])
def test_edited_header_or_manifest_is_bound_again(tmp_path: Path, here: Environment, generator: str) -> None:
    """A descriptor that is older than its header would promise what is not there."""
    project = begin(tmp_path, here, "gain")
    image = build_with_cmake(project, here, generator)
    header, source, manifest = (project / name for name in ("gain.h", "gain.c", "plugin.toml"))
    rebuild = ("cmake", "--build", project / "out")

    header.write_text(header.read_text().replace("} gain_v1;", "    void (*reset)(void *self);\n} gain_v1;"))
    source.write_text(
        source.read_text()
        .replace(
            "static const gain_v1 ", "static void reset(void *self) {\n    (void)self;\n}\n\nstatic const gain_v1 "
        )
        .replace("process, processed}", "process, processed, reset}")
    )
    run(*rebuild, folder=project, environment=here)
    assert "reset(self) -> void" in run("hotgraft", "inspect", image, folder=project, environment=here)

    manifest.write_text(manifest.read_text().replace("0.1.0", "0.2.0"))
    run(*rebuild, folder=project, environment=here)
    assert "gain 0.2.0" in run("hotgraft", "inspect", image, folder=project, environment=here)

    before = image.stat().st_mtime_ns
    header.write_text(header.read_text() + "/* more to say */\n")
    run(*rebuild, folder=project, environment=here)
    run(*rebuild, folder=project, environment=here)
    said = run(*rebuild, folder=project, environment=here)
    assert "bind" not in said  # bound once for it, and then never again
    assert image.stat().st_mtime_ns >= before

    header.write_text(header.read_text().replace("uint64_t n);", "long n);"))
    said = run(*rebuild, folder=project, environment=here, succeeds=False)
    assert "gain.h:" in said
    assert "use int64_t" in said


@pytest.mark.full
def test_broken_manifest_ends_the_configure_step_with_its_words(tmp_path: Path, here: Environment) -> None:
    """CMake asks bind for names: a refusal there must not read as an error of CMake's."""
    project = begin(tmp_path, here, "gain")
    (project / "plugin.toml").write_text("[plugin]\nname = 'Gain'\n")
    found = run("python", "-m", "hotgraft", "--cmakedir", folder=project, environment=here).strip()
    said = run(
        "cmake", "-S", ".", "-B", "out", f"-Dhotgraft_DIR={found}", folder=project, environment=here, succeeds=False
    )
    assert "plugin.name" in said
    assert "plugin.version: is missing" in said


UNIQUE = """
#include "mixer_wrapper.hpp"
template <class T> struct __attribute__((visibility("default"))) Counted { static int count; };
template <class T> int Counted<T>::count = 0;
int count_one() { return Counted<int>::count++; }
"""


@pytest.mark.full
@pytest.mark.parametrize("way", ["cmake", "compiler"])
def test_no_symbol_is_unique_to_the_process(tmp_path: Path, here: Environment, way: str) -> None:
    """gcc makes a template's static one variable for all generations, and the library stays for ever."""
    environment = with_compiler(here, "gcc")
    project = begin(tmp_path, environment, "mixer", "--cpp")
    source = project / "mixer.cpp"
    source.write_text(source.read_text().replace('#include "mixer_wrapper.hpp"', UNIQUE))
    run("hotgraft", "build", "--way", way, folder=project, environment=environment)
    image = project / "build" / "mixer.so"
    run("hotgraft", "check", "--strict", image, folder=project, environment=environment)

    taken_out = {**environment, "CXXFLAGS": "-fgnu-unique"}  # it comes last for the compiler: the control
    run("hotgraft", "build", "--way", "compiler", folder=project, environment=taken_out)
    said = run("hotgraft", "check", "--strict", image, folder=project, environment=taken_out, succeeds=False)
    assert "gnu-unique" in said


@pytest.mark.full
@pytest.mark.parametrize("way", ["compiler", "cmake"])
def test_image_exports_its_entry_alone_and_is_bound_at_load(tmp_path: Path, here: Environment, way: str) -> None:
    """Hidden visibility, -z now and no SONAME, whichever way it was built."""
    project = begin(tmp_path, here, "gain")
    run("hotgraft", "build", "--way", way, folder=project, environment=here)
    image = project / "build" / "gain.so"
    said = run("readelf", "--wide", "--dynamic", "--dyn-syms", image, folder=project, environment=here)
    exported = [line.split()[-1] for line in said.splitlines() if " GLOBAL DEFAULT " in line and " UND " not in line]
    assert exported == ["hotgraft_plugin_v1"]
    assert "NOW" in said
    assert "SONAME" not in said


def test_flags_print_folders_that_hold_what_they_say(tmp_path: Path, here: Environment) -> None:
    """A build file reads these lines: nothing else may be printed, and editable installs have two roots."""
    flags = ("--includes", "--cmakedir", "--pkgconfigdir")
    said = run("python", "-m", "hotgraft", *flags, folder=tmp_path, environment=here).splitlines()
    files = ("hotgraft/hotgraft.h", "hotgraftConfig.cmake", "hotgraft.pc")
    assert [(Path(folder) / file).is_file() for folder, file in zip(said, files, strict=True)] == [True] * 3


def test_flags_import_nothing_heavy(tmp_path: Path) -> None:
    """A configure step asks three times; numpy, cffi, click and the core have nothing to say to it."""
    code = (
        "import sys, runpy; sys.argv = ['hotgraft', '--cmakedir']\n"
        "try: runpy.run_module('hotgraft', run_name='__main__')\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    loaded = set(done.stderr.split())
    assert "hotgraft.engine.places" in loaded
    assert not loaded & {"click", "cffi", "msgspec", "numpy", "hotgraft._core", "hotgraft.host", "importlib.metadata"}


@pytest.mark.full
def test_wheel_holds_what_authors_need_and_no_link_or_archive(wheel: Path) -> None:
    """A static copy of the core in a host would silently replace the wheel's; a wheel has no symlinks."""
    with zipfile.ZipFile(wheel) as archive:
        infos = archive.infolist()
    names = {one.filename for one in infos}
    wanted = {
        "include/hotgraft/hotgraft.h", "include/hotgraft/call.h", "include/hotgraft_core.h", "lib/libhotgraft.so.1",
        "share/cmake/hotgraft/hotgraftConfig.cmake", "share/cmake/hotgraft/hotgraftConfigVersion.cmake",
        "share/cmake/hotgraft/hotgraft_add_plugin.cmake", "share/pkgconfig/hotgraft.pc",
        "share/pkgconfig/hotgraft-cpp.pc", "share/pkgconfig/hotgraft-core.pc", "templates/c/source.c.in",
    }  # fmt: skip
    assert {f"hotgraft/{one}" for one in wanted} <= names
    assert not [one for one in names if one.endswith((".a", ".o"))]
    assert not [one.filename for one in infos if stat.S_ISLNK(one.external_attr >> 16)]
    assert {one for one in names if "/lib/" in one} == {"hotgraft/lib/libhotgraft.so.1", "hotgraft/lib/hotgraft-probe"}
