"""Compile a plugin's folder with the machine's compiler: bind first, then one call of the compiler.

The image appears under its name in one step: whoever watches the file never sees half of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import BuildError
from hotgraft.engine.places import include_dir
from hotgraft.engine.tools import how_it_ended, run_tool, version_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Nothing but the entry is exported, nothing is unique to the process, everything is bound at load.
FLAGS: Final = ("-shared", "-fPIC", "-O2", "-g", "-fvisibility=hidden", "-Wl,-z,now", "-Wl,-z,noexecstack")
C_FLAGS: Final = ("-std=c11",)
CPP_FLAGS: Final = ("-std=c++17", "-fvisibility-inlines-hidden")
C_SUFFIXES: Final = (".c",)
CPP_SUFFIXES: Final = (".cpp", ".cc", ".cxx")


def find_compiler(*, cpp: bool = False) -> str:
    """Return the compiler: $CC or $CXX, else the first of cc, gcc, clang (c++, g++, clang++) on the path.

    Raises:
        BuildError: the one that is asked for is not on the path, or none is.
    """
    variable = "CXX" if cpp else "CC"
    asked = words_of(variable)
    if asked:
        if shutil.which(asked[0]) is None:
            found = f"{asked[0]} is not on the path"
            advice = f"install it, set ${variable} to another, or unset it to have the machine's own"
            raise BuildError("find a compiler", on=f"${variable}", found=found, advice=advice)
        return shlex.join(asked)
    names = ["c++", "g++", "clang++"] if cpp else ["cc", "gcc", "clang"]
    for name in names:
        if shutil.which(name):
            return name
    raise BuildError(
        "find a compiler",
        on=", ".join(names),
        found="none is on the path",
        advice=f"install gcc or clang, or name another in ${variable}",
    )


def write_bound(manifest: Path, build: Path) -> str:
    """Run bind for `manifest` and write what it generates into `build`; return the plugin's name.

    A file whose text is as it was is left alone. Raises ManifestError and BindError as `bind` does.
    """
    from hotgraft.engine.bind import bind  # cffi costs 130 ms: paid by those who build, never by a reload
    from hotgraft.engine.bind_files import generated_files
    from hotgraft.engine.bind_source import descriptor_header
    from hotgraft.engine.bind_stubs import protocol_module, protocol_stub
    from hotgraft.engine.bind_wrapper import wrapper_header

    bound = bind(manifest)
    name = bound.manifest.name
    build.mkdir(parents=True, exist_ok=True)
    texts = (descriptor_header(bound), wrapper_header(bound), protocol_stub(bound), protocol_module(bound))
    for path, text in zip(generated_files(name, build), texts, strict=True):
        _write(path, text)
    return name


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")  # who compiles meanwhile sees no half
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)


def kept_image(image: Path) -> str:
    """Say what became of `image` in a build that failed: nothing."""
    return f"{image} stays as it was" if image.exists() else f"{image} was not made"


def sources_of(folder: Path) -> list[Path]:
    """Return what is compiled: the files of `folder` itself whose names say C or C++.

    Hidden ones are an editor's: Emacs keeps a dangling link ``.#gain.c`` beside a file that is being edited.
    """
    suffixes = C_SUFFIXES + CPP_SUFFIXES
    return sorted(
        one for one in folder.iterdir() if one.suffix in suffixes and not one.name.startswith(".") and one.is_file()
    )


def _cpp_flags(compiler: Sequence[str]) -> tuple[str, ...]:
    """Symbols unique to the process are gcc's own idea; clang, whatever it is called here, refuses the flag."""
    return CPP_FLAGS if "clang" in version_of(compiler) else (*CPP_FLAGS, "-fno-gnu-unique")


def build_plugin(
    folder: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    flags: Sequence[str] = (),
    compiler: str | None = None,
    say: Callable[[str], object] | None = None,
) -> Path:
    """Bind and compile every C and C++ source of `folder`; return the image's path.

    Args:
        folder: holds plugin.toml, the headers it names, and the sources.
        output: of the image; ``<folder>/build/<name>.so`` unless said.
        flags: further ones for the compiler, after ours; $CPPFLAGS, $CFLAGS or $CXXFLAGS, and $LDFLAGS come last.
        compiler: instead of the one `find_compiler` finds.
        say: is given what the compiler said of a build that succeeded: its warnings.

    Raises:
        ManifestError, BindError: before the compiler runs.
        BuildError: `output` is the compiler's own text, unchanged.
    """
    folder = Path(folder)
    build = folder / "build"
    name = write_bound(folder / "plugin.toml", build)
    sources = sources_of(folder)
    if not sources:
        is_cmake = (folder / "CMakeLists.txt").exists()
        raise BuildError(
            "build the plugin",
            on=str(folder),
            found="it holds no .c, .cpp, .cc or .cxx file",
            advice="let its CMakeLists.txt say what to build: --way cmake" if is_cmake else "write one into it",
        )
    image = Path(output) if output is not None else build / f"{name}.so"
    image.parent.mkdir(parents=True, exist_ok=True)
    partial = image.with_name(f".{image.name}.{os.getpid()}.partial")
    is_cpp = any(one.suffix in CPP_SUFFIXES for one in sources)
    words = shlex.split(compiler or find_compiler(cpp=is_cpp))
    command = [
        *words, *FLAGS, *(_cpp_flags(words) if is_cpp else C_FLAGS),
        f"-I{include_dir()}", f"-I{folder}", f"-I{build}", *flags,
        *words_of("CPPFLAGS"), *words_of("CXXFLAGS" if is_cpp else "CFLAGS"),
        *map(str, sources), *words_of("LDFLAGS"), "-o", str(partial),
    ]  # fmt: skip
    try:
        done = run_tool(command, on=str(folder))
        if done.returncode != 0 or not partial.exists():
            ended = how_it_ended(done.returncode) + ("" if done.returncode else " and wrote no image")
            raise BuildError(
                "compile the plugin",
                on=str(folder),
                found=f"{words[0]} {ended}",
                advice="mend what it says here",
                running=kept_image(image),
                output=done.stderr + done.stdout,
                command=tuple(command),
            )
        partial.replace(image)
    finally:
        partial.unlink(missing_ok=True)
    if say is not None and done.stderr:
        say(done.stderr)
    return image
