"""Build a plugin with its project's own CMake: configure when needed, build, and put the image in place in one step.

The build tree is ``<folder>/build/cmake``. `hotgraft_add_plugin` writes down there which image belongs to which
manifest. CMake reads $CC, $CXX and the flags only once, so a change of them begins the tree anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import BuildError
from hotgraft.engine.bind_files import load_manifest
from hotgraft.engine.build import kept_image
from hotgraft.engine.places import cmake_dir
from hotgraft.engine.tools import how_it_ended, run_merged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["build_with_cmake"]

VARIABLES: Final = ("CC", "CXX", "CPPFLAGS", "CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_GENERATOR")
CONFIG: Final = "RelWithDebInfo"
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # and gcc's "erase to the end of the line"
EXCERPT: Final = "hotgraft_add_plugin({name} SOURCES {name}.c MANIFEST plugin.toml)"


def build_with_cmake(
    folder: Path,
    *,
    output: Path | None = None,
    is_colored: bool = False,
    say: Callable[[str], object] | None = None,
) -> Path:
    """Build the project in `folder` and return the path of the image of its plugin.toml.

    `say` is given what the build said where a compiler warned of something.

    Raises:
        ManifestError, BindError: the manifest or a header is refused. BuildError: CMake or the compiler said no,
            or the project makes no plugin of this manifest.
    """
    manifest = folder.resolve() / "plugin.toml"  # as CMake will name it
    name = load_manifest(manifest).name
    tree = folder / "build" / "cmake"
    image = output or folder / "build" / f"{name}.so"
    try:
        _configure(folder, tree)
        command = ["cmake", "--build", str(tree), "--config", CONFIG, "--parallel", str(os.cpu_count() or 1)]
        said = _run(command, folder)
    except BuildError as error:
        error.running = kept_image(image)
        error.output = _as_wanted(error.output, is_colored=is_colored)
        from hotgraft.engine.bind import bind

        bind(manifest)  # a refusal of bind's ends the build too: then its own words are the better ones
        raise
    made = _image_of(manifest, tree, name)
    image.parent.mkdir(parents=True, exist_ok=True)
    partial = image.with_name(f".{image.name}.{os.getpid()}.partial")
    try:
        shutil.copy(made, partial)
        partial.replace(image)
    finally:
        partial.unlink(missing_ok=True)
    if say is not None and "warning:" in said:
        say(_as_wanted(said, is_colored=is_colored))
    return image


def _as_wanted(said: str, *, is_colored: bool) -> str:
    """Return a build's words without their colours where none are wanted.

    Colours are one of the flags that a tree is configured with, and asking for others would compile all of it again.
    """
    return said if is_colored else COLOURS.sub("", said)


def _configure(folder: Path, tree: Path) -> None:
    """Run CMake's first step where the tree is new, was moved, or another compiler or other flags are wanted."""
    variables = {one: os.environ.get(one, "") for one in VARIABLES}
    wanted = json.dumps({"folder": str(folder.resolve()), "cmake_dir": str(cmake_dir()), **variables})
    mark = tree / "hotgraft-configured.json"
    if (tree / "CMakeCache.txt").is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return
    mark.unlink(missing_ok=True)
    command = ["cmake", "--fresh", "-S", str(folder), "-B", str(tree), f"-Dhotgraft_DIR={cmake_dir()}"]
    command += [f"-DCMAKE_BUILD_TYPE={CONFIG}", "-DCMAKE_COLOR_DIAGNOSTICS=ON"]
    if shutil.which("ninja") and not os.environ.get("CMAKE_GENERATOR"):
        command += ["-G", "Ninja"]
    _run(command, folder)
    mark.write_text(wanted, encoding="utf-8")


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = run_merged(command)
    except FileNotFoundError:
        raise BuildError(
            "build the project",
            on=str(folder),
            found="cmake is not on the path",
            advice="install CMake 3.25 or newer, or build without it: hotgraft build --way compiler",
        ) from None
    if done.returncode != 0:
        raise BuildError(
            "build the project",
            on=str(folder),
            found=f"{command[0]} {how_it_ended(done.returncode)}",
            advice="mend what it says here",
            output=done.stdout,
            command=tuple(command),
        )
    return done.stdout


def _image_of(manifest: Path, tree: Path, name: str) -> Path:
    """Return the image that the project made of `manifest`, as `hotgraft_add_plugin` wrote it down."""
    found = []
    index = tree / "hotgraft-plugins"  # a folder per configuration; a project may choose its own, or none
    for entry in [*sorted(index.glob(f"{CONFIG}/*")), *sorted(index.glob("*/*")), *sorted(index.glob("*"))]:
        if entry.is_file():
            described, image = entry.read_text(encoding="utf-8").splitlines()
            if Path(described) == manifest:
                return Path(image)
            found.append(f"it makes {Path(image).name} of {described}")
    raise BuildError(
        "find the image that the project made",
        on=str(manifest),
        found=found or ["its CMakeLists.txt does not call hotgraft_add_plugin"],
        advice=EXCERPT.format(name=name),
    )
