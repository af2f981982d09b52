"""The README's example runs as it stands, and says what its comments say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_example_prints_what_its_comments_promise(tmp_path: Path) -> None:
    """The first thing a newcomer types."""
    code = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert code is not None
    shutil.copytree(ROOT / "plugins_c", tmp_path / "plugins_c", ignore=shutil.ignore_patterns("build"))
    shutil.copy(ROOT / "README.md", tmp_path)
    command = [sys.executable, "-W", "error", "-c", code[1]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["1 2", "12"]
    assert lines[2].startswith("generation 2 serves; callers waited ")
    assert "generation 2 still serves" in done.stdout
    assert lines[-1] == "22"
