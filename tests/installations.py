"""A wheel of this project, and an environment that holds it and nothing else of ours: what a user has."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from doc_pages import environment_of

ROOT = Path(__file__).parents[1]


def build_wheel(folder: Path) -> Path:
    """Build the wheel into `folder`, as a user's pip would, and return its path."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder / "dist")]
    if importlib.util.find_spec("scikit_build_core"):
        command += ["--no-build-isolation"]
    (ROOT / "build").mkdir(exist_ok=True)
    # Beside the other builds, from where sources have the same relative paths: by these a compiler cache goes.
    with tempfile.TemporaryDirectory(prefix="wheel-", dir=ROOT / "build") as build:
        command += ["--config-settings", f"build-dir={build}", str(ROOT)]
        done = subprocess.run(
            command, env={**os.environ, **_launchers()}, capture_output=True, text=True, timeout=1500, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return next((folder / "dist").glob("*.whl"))


def _launchers() -> dict[str, str]:
    """Return what has the core taken from the cache of a run that has compiled it before, as `.ci/run` has."""
    if "CCACHE_DIR" not in os.environ or shutil.which("ccache") is None:
        return {}
    return {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}


def install(wheel: Path, folder: Path) -> dict[str, str]:
    """Install the wheel into a fresh venv in `folder` and return its environment; what it depends on is borrowed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    purelib = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    borrowed = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    Path(purelib, "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    return environment_of(folder / "bin")
