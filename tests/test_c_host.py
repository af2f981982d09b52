"""The C examples, built as somebody would who installed the package: against its headers and its one library."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import hotgraft
import pytest
from hotgraft.engine.build import build_plugin, find_compiler

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "native" / "examples" / "c_host"
PACKAGE = Path(hotgraft.__path__[0])


def counter(folder: Path, version: str) -> Path:
    """Build plugins_c/counter of `version` in a copy of its folder."""
    return build_plugin(shutil.copytree(ROOT / "plugins_c" / "counter" / version, folder / version))


def compile_example(folder: Path, source: str, *flags: str) -> Path:
    """Compile one example against the installed package."""
    library = PACKAGE / "lib"
    program = folder / source.removesuffix(".c")
    command = [find_compiler(), "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
    command += [str(EXAMPLES / source), "-o", str(program)]
    command += [f"-I{PACKAGE / 'include'}", f"-I{ROOT / 'plugins_c' / 'counter' / 'v1'}", "-pthread", *flags]
    command += [str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}", "-ldl", "-lm", "-lutil"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def test_c_program_replaces_a_plugin_under_a_calling_thread(tmp_path: Path) -> None:
    """The core is whole without Python."""
    program = compile_example(tmp_path, "main.c")
    images = [str(counter(tmp_path, version)) for version in ("v1", "v2")]
    command = [str(program), str(tmp_path / "staged"), *images]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generation 2 serves" in done.stdout
    assert "0 failed; unloaded for certain: 1, stuck: 0" in done.stdout


def test_embedded_python_shares_the_core_of_its_c_host(tmp_path: Path) -> None:
    """Two cores in one process would each believe they are alone."""
    flags = _embedding_flags()
    program = compile_example(tmp_path, "embed.c", *flags)
    script = tmp_path / "script.py"
    script.write_text(f"import sys\nsys.path[:0] = {sys.path!r}\nfrom hotgraft import _core\ncore = _core.core_path\n")
    command = [str(program), str(tmp_path / "staged"), str(counter(tmp_path, "v1")), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _embedding_flags() -> list[str]:
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / (sysconfig.get_config_var("LDLIBRARY") or "")
    if not library.is_file():
        pytest.skip(f"this Python has no library to embed: {library}")
    flags = [f"-I{sysconfig.get_path('include')}", str(library), "-rdynamic", f"-Wl,-rpath,{library.parent}"]
    return flags + (sysconfig.get_config_var("LIBS") or "").split()
