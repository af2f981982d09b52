"""What was rolled back and is not tried again: images by their hash, and plugins that were rolled back too often.

Kept in memory and, where the host has a journal, on record: the next host knows it as well.

Thread safety: any thread.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.journal_asked import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotgraft.core.audit import AuditRecord
    from hotgraft.core.start_limit import StartLimit
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded

__all__ = ["QUARANTINE", "Quarantine", "QuarantinedImage", "note_lifted", "note_quarantine", "quarantined"]

QUARANTINE = "quarantine"  # the step, on record


def configs_key(configs: Mapping[str, str]) -> str:
    """Return one word for the configs of all instances."""
    return hashlib.sha256(json.dumps(sorted(configs.items())).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class QuarantinedImage:
    """An image that was rolled back, and for what.

    `configs` is empty, or the configs with which it is not tried: the same image served well with others.
    """

    sha256: str
    why: str
    configs: str = ""


def quarantined(loaded: Loaded, why: str) -> QuarantinedImage:
    """Return what is not to be tried again of what serves; asked before it is rolled back.

    The image; where it is that of the generation that is held, only together with the configs it has now.
    """
    sha256, held = loaded.serving.generation.sha256, loaded.held
    is_same = held is not None and held.generation.sha256 == sha256
    return QuarantinedImage(sha256, why, configs_key(loaded.configs) if is_same else "")


class Quarantine:
    """Of one host."""

    def __init__(self, limit: StartLimit, clock_s: Callable[[], float]) -> None:
        self._fresh = limit
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._images: dict[str, dict[tuple[str, str], QuarantinedImage]] = {}
        self._limits: dict[str, StartLimit] = {}

    def read(self, records: Iterable[AuditRecord]) -> None:
        """Take over what is on record, the oldest first."""
        for record in records:
            if record.outcome == "lifted":
                self.allow(record.plugin)
            else:
                configs = json.loads(record.facts).get("configs", "")
                self._note(record.plugin, QuarantinedImage(record.after_sha256, record.error, configs))

    def add(self, plugin: str, image: QuarantinedImage) -> bool:
        """It was rolled back: do not try it again. Return whether its plugin has now been rolled back too often."""
        self._note(plugin, image)
        with self._lock:
            limit = self._limits.get(plugin, self._fresh).rolled_back(self._clock_s())
            self._limits[plugin] = limit
        return limit.is_closed

    def refusals(self, plugin: str, sha256: str, configs: Mapping[str, str]) -> tuple[str, ...]:
        """Return why this image is not tried; empty when it may be."""
        with self._lock:
            known, limit = self._images.get(plugin, {}), self._limits.get(plugin, self._fresh)
        found = [known[key] for key in ((sha256, ""), (sha256, configs_key(configs))) if key in known]
        refusals = [f"the image {sha256[:8]} was rolled back: {one.why}" for one in found]
        if limit.refusal:
            refusals.append(limit.refusal)
        return tuple(refusals)

    def images(self, plugin: str) -> tuple[QuarantinedImage, ...]:
        """Return what of the plugin is not tried again."""
        with self._lock:
            return tuple(self._images.get(plugin, {}).values())

    def allow(self, plugin: str) -> bool:
        """A person says that all of it may be tried again; return whether anything was refused before."""
        with self._lock:
            was_closed = self._limits.pop(plugin, self._fresh).is_closed
            return bool(self._images.pop(plugin, {})) or was_closed

    def _note(self, plugin: str, image: QuarantinedImage) -> None:
        with self._lock:
            self._images.setdefault(plugin, {})[image.sha256, image.configs] = image


def note_quarantine(recorder: Recorder, plugin: str, image: QuarantinedImage, who: Asked) -> None:
    """Put on record what is not tried again, and why."""
    facts = json.dumps({"configs": image.configs} if image.configs else {})
    _note(recorder, plugin, who, outcome="quarantined", sha256=image.sha256, error=image.why, facts=facts)


def note_lifted(recorder: Recorder, plugin: str, who: Asked) -> None:
    """Put on record that a person lets it all be tried again."""
    _note(recorder, plugin, who, outcome="lifted")


def _note(
    recorder: Recorder, plugin: str, who: Asked, *, outcome: str, sha256: str = "", error: str = "", facts: str = "{}"
) -> None:
    journal = recorder.journal
    if journal is None:
        return
    blank = who.record(wall_ns=journal.wall_ns(), monotonic_ns=journal.monotonic_ns())
    record = replace(
        blank, plugin=plugin, step=QUARANTINE, outcome=outcome, after_sha256=sha256, error=printable(error), facts=facts
    )
    recorder.judge(plugin, journal.write([record], keeps=True))
