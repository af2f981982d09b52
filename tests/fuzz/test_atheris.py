"""The readers under atheris, for a bounded number of runs; soaks are run by hand (`atheris_reader.py`)."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reader_mutations import CORPUS
from reader_outcomes import CHECKS

if TYPE_CHECKING:
    from conftest import Sized

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is missing: pip install atheris"),
]


def run_target(reader: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the target with a copy of nothing and the kept files; what it finds stays in `folder`."""
    (folder / "grown").mkdir()
    command = [sys.executable, str(HERE / "atheris_reader.py"), reader, "grown", str(CORPUS / reader), *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", timeout=600, check=False
    )


@pytest.mark.parametrize("reader", CHECKS)
def test_what_reaches_new_code_is_read_or_refused_in_words(reader: str, tmp_path: Path, sized: Sized) -> None:
    """Coverage leads to checks that nobody thought of when the table of hostile files was written."""
    runs = sized(quick=1, full=4_000, soak=5_000_000)
    done = run_target(reader, tmp_path, f"-runs={runs}", "-max_len=8192", "-len_control=0", "-timeout=5", "-seed=1")

    found = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert done.returncode == 0, f"{found!r:.2000}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert f"Done {runs}" in done.stderr
    reached = re.search(r"INITED cov: (\d+)", done.stderr)
    assert reached is not None
    assert int(reached[1]) > 150, "what the kept files reach is not followed"


def test_a_target_that_fails_is_seen(tmp_path: Path) -> None:
    """A run that finds nothing must be known to find something: here every refusal is one."""
    (tmp_path / "reader_outcomes.py").write_text(
        "from hotgraft.core.manifest import read_manifest\nCHECKS = {'manifest': read_manifest}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    target = tmp_path / "atheris_reader.py"
    for name in ("atheris_reader.py", "reader_mutations.py"):  # a script's own folder comes first on the path
        (tmp_path / name).write_bytes((HERE / name).read_bytes())
    done = subprocess.run(
        [sys.executable, str(target), "manifest", "-runs=2000"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "ManifestError" in done.stdout + done.stderr
