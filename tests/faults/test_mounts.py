"""A staging folder on a file system that nothing may be executed from, or that is full."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import FAULTS
from sample_plugins import PLAIN, STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOUNT = 'mount -t tmpfs -o OPTIONS,mode=0700 tmpfs "$0" && exec "$@"'


def in_mount_namespace(
    folder: Path, command: Sequence[object], options: str = "noexec"
) -> subprocess.CompletedProcess[str]:
    """Run `command` where a file system with these options lies on `folder`; skip where nobody may mount."""
    mount = MOUNT.replace("OPTIONS", options)
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "sh", "-c", mount, folder, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets this user mount nothing, not even in a namespace of its own")
    return subprocess.run(
        [*unshare, "sh", "-c", mount, folder, *map(str, command)], capture_output=True, text=True, check=False
    )


def test_a_staging_folder_that_is_mounted_noexec_is_refused_with_the_reason(build: Workshop, tmp_path: Path) -> None:
    """Fault F12: the loader's own words are "failed to map segment from shared object"."""
    folder = tmp_path / "staged"
    folder.mkdir()

    done = in_mount_namespace(folder, [sys.executable, FAULTS / "crash_noexec.py", build(PLAIN), folder])

    assert done.returncode == 0, done.stderr
    assert f"cannot stage in {folder}: its file system is mounted noexec" in done.stdout
    assert "to do: " in done.stdout


def test_a_full_staging_folder_is_not_now_and_a_watch_tries_again(build: Workshop, tmp_path: Path) -> None:
    """Fault R01: the image is not at fault, so it must come in when there is room again."""
    folder = tmp_path / "staged"
    folder.mkdir()
    images = [build(replace(STATELESS, build=number)) for number in (1, 2)]

    command = [sys.executable, FAULTS / "crash_staging_disk.py", folder, *images]
    done = in_mount_namespace(folder, command, options="size=256k")

    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith("  "))
    assert said["reload"].startswith("ResourceError ")
    assert "No space left on device; generation 1 still serves" in said["reload"]
    assert said["postponed"] == "True, build 1"
    assert said["published"] == "True, build 2"
