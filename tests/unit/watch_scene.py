"""A watched image: what tests write over it, and waiting for what the host says about that."""

from __future__ import annotations

import os
import queue
import shutil
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import hotgraft
    from hotgraft import HostEvent

DEADLINE_S = 60.0  # of every wait: far more than any takes


class Listener:
    """Notes what a host says, and waits for it."""

    def __init__(self, host: hotgraft.Host) -> None:
        self.heard: list[HostEvent] = []
        self._queue: queue.Queue[HostEvent] = queue.Queue()
        host.on("*", self._queue.put)

    def wait_for(self, name: str, deadline_s: float = DEADLINE_S) -> HostEvent:
        """Return the next event of that name; those before it are noted.

        Raises:
            queue.Empty: there is none by the deadline.
        """
        until_s = time.monotonic() + deadline_s
        while True:
            event = self._queue.get(timeout=max(until_s - time.monotonic(), 0.001))
            self.heard.append(event)
            if event.name == name:
                return event

    def wait_for_build(self, plugin: hotgraft.Plugin, build: int) -> None:
        """Wait until `build` answers."""
        while plugin.build() != build:
            self.wait_for("swap.published")

    def names(self) -> list[str]:
        """Return the names of all that was said so far."""
        while not self._queue.empty():
            self.heard.append(self._queue.get())
        return [event.name for event in self.heard]


def replace(path: Path, image: Path) -> None:
    """Put `image` there in one step, as a careful build does."""
    partial = path.with_name(f".{path.name}.partial")
    shutil.copyfile(image, partial)
    partial.replace(path)


def overwrite(path: Path, data: bytes) -> None:
    """Write over the file that is there, as a careless build does."""
    with path.open("wb") as file:
        file.write(data)


def flip(link: Path, target: Path) -> None:
    """Let a symbolic link lead to `target`, in one step."""
    fresh = link.with_name(f".{link.name}.fresh")
    fresh.symlink_to(target)
    os.replace(fresh, link)  # noqa: PTH105 - Path.replace says the same of a link, in fewer words
