"""Print the path of every CPython >= 3.11 on this machine whose minor version is not the one running this."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

SUPPORTED = ((3, 11), (3, 12), (3, 13))
ASK = (
    "import sys,sysconfig;print(sys.implementation.name,*sys.version_info[:2],"
    "sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
)


def candidates() -> list[str]:
    """Return interpreters from PATH and from pyenv's folder, PATH first."""
    found = [shutil.which(f"python{major}.{minor}") for major, minor in SUPPORTED]
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv") / "versions"
    return [path for path in found if path] + [str(path) for path in sorted(pyenv.glob("3.*/bin/python"))]


def main() -> int:
    """Print one interpreter per minor version; broken ones are passed over."""
    seen = {sys.version_info[:2]}
    for path in candidates():
        answer = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            continue
        name, major, minor, no_gil = answer.stdout.split()
        version = (int(major), int(minor))
        if name == "cpython" and no_gil == "0" and version in SUPPORTED and version not in seen:
            seen.add(version)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
