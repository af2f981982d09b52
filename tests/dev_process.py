"""`hotgraft dev` in a process of its own, with its events as JSON."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

COUNTER = Path(__file__).parent.parent / "plugins_c" / "counter" / "v1"
DEADLINE_S = 60.0


def copy_counter(folder: Path) -> Path:
    """Return `folder` with the sources of the counter in it."""
    shutil.copytree(COUNTER, folder, ignore=shutil.ignore_patterns("build"))
    return folder


def set_step(folder: Path, step: str) -> None:
    """Save counter.c with what it counts in."""
    text = (COUNTER / "counter.c").read_text()
    assert "#define STEP 1\n" in text
    (folder / "counter.c").write_text(text.replace("#define STEP 1\n", f"#define STEP {step}\n"))


class DevProcess:
    """Starts it, and waits for events of a name."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.heard: list[dict[str, Any]] = []
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hotgraft.cli.main", "dev", str(folder), "--json", *arguments],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._queue.put(json.loads(line))

    def wait_for(self, *names: str) -> dict[str, Any]:
        """Return the next event of one of these names."""
        until_s = time.monotonic() + DEADLINE_S
        while True:
            try:
                event = self._queue.get(timeout=max(until_s - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"no {names} after {[one['event'] for one in self.heard]}") from None
            self.heard.append(event)
            if event["event"] in names:
                return event

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End it as a person does with `kill`; return its exit code and what it wrote to stderr."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Wait until it ends; return the same."""
        code = self._process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        assert self._process.stderr is not None
        with self._process.stderr as errors:
            found = errors.read()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code, found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()
