"""Compile a plugin's folder with the machine's compiler: bind first, then one call of the compiler.

The image appears under its name in one step: whoever watches the file never sees half of it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import hotgraft
from hotgraft.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Nothing but the entry is exported, nothing is unique to the process, everything is bound at load.
FLAGS: Final = ("-shared", "-fPIC", "-O2", "-g", "-fvisibility=hidden", "-Wl,-z,now", "-Wl,-z,noexecstack")
C_FLAGS: Final = ("-std=c11",)
CPP_FLAGS: Final = ("-std=c++17", "-fvisibility-inlines-hidden")
C_SUFFIXES: Final = (".c",)
CPP_SUFFIXES: Final = (".cpp", ".cc", ".cxx")


def include_dir() -> Path:
    """Return the folder that holds ``hotgraft/hotgraft.h``: in an installed package or in a source tree.

    Raises:
        BuildError: neither has it; every place is named.
    """
    places = []
    for root in hotgraft.__path__:
        places += [Path(root) / "include", Path(root).parent.parent / "abi"]
    for place in places:
        if (place / "hotgraft" / "hotgraft.h").is_file():
            return place
    raise BuildError(
        "find hotgraft's headers", on="hotgraft/hotgraft.h", output="\n".join(map(str, places)), command=()
    )


def find_compiler(*, cpp: bool = False) -> str:
    """Return the compiler: $CC or $CXX, else the first of cc, gcc, clang (c++, g++, clang++) on the path.

    Raises:
        BuildError: there is none.
    """
    names = [os.environ.get("CXX" if cpp else "CC", "")]
    names += ["c++", "g++", "clang++"] if cpp else ["cc", "gcc", "clang"]
    for name in names:
        if name and shutil.which(shlex.split(name)[0]):
            return name
    raise BuildError("find a compiler", on=", ".join(filter(None, names)), output="none is on the path", command=())


def write_bound(manifest: Path, build: Path) -> str:
    """Run bind for a manifest and write what it generates into `build`; return the plugin's name.

    A file whose text is as it was is left alone. Raises ManifestError and BindError as `bind` does.
    """
    from hotgraft.engine.bind import bind  # cffi costs 130 ms: paid by those who build, never by a reload
    from hotgraft.engine.bind_source import descriptor_header
    from hotgraft.engine.bind_stubs import protocol_module, protocol_stub
    from hotgraft.engine.bind_wrapper import wrapper_header

    bound = bind(manifest)
    name = bound.manifest.name
    build.mkdir(parents=True, exist_ok=True)
    _write(build / f"{name}_descriptor.h", descriptor_header(bound))
    _write(build / f"{name}_wrapper.hpp", wrapper_header(bound))
    _write(build / f"{name}_interface.pyi", protocol_stub(bound))
    _write(build / f"{name}_interface.py", protocol_module(bound))
    return name


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def build_plugin(
    folder: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    flags: Sequence[str] = (),
    compiler: str | None = None,
) -> Path:
    """Bind and compile every C and C++ source of `folder`; return the image's path.

    Args:
        folder: holds plugin.toml, the headers it names, and the sources.
        output: of the image; ``<folder>/build/<name>.so`` unless said.
        flags: further ones for the compiler, after ours.
        compiler: instead of the one `find_compiler` finds.

    Raises:
        ManifestError, BindError: before the compiler runs.
        BuildError: `output` is the compiler's own text, unchanged.
    """
    folder = Path(folder)
    build = folder / "build"
    name = write_bound(folder / "plugin.toml", build)
    sources = sorted(one for one in folder.iterdir() if one.suffix in C_SUFFIXES + CPP_SUFFIXES)
    if not sources:
        raise BuildError("build the plugin", on=str(folder), output="no .c, .cpp, .cc or .cxx file", command=())
    image = Path(output) if output is not None else build / f"{name}.so"
    image.parent.mkdir(parents=True, exist_ok=True)
    partial = image.with_name(f".{image.name}.{os.getpid()}.partial")
    is_cpp = any(one.suffix in CPP_SUFFIXES for one in sources)
    command = [
        *shlex.split(compiler or find_compiler(cpp=is_cpp)), *FLAGS, *(CPP_FLAGS if is_cpp else C_FLAGS),
        f"-I{include_dir()}", f"-I{folder}", f"-I{build}", *flags, *map(str, sources), "-o", str(partial),
    ]  # fmt: skip
    if is_cpp and "clang" not in command[0]:
        command.insert(1, "-fno-gnu-unique")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            output = done.stderr + done.stdout
            raise BuildError("compile the plugin", on=str(folder), output=output, command=tuple(command))
        partial.replace(image)
    finally:
        partial.unlink(missing_ok=True)
    return image
