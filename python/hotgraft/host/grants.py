"""What a host has granted its plugins, who changed that, and what a candidate waits for.

A grant made while the host runs is on record and ends with the host: what is to last stands in its config.

Thread safety: any thread.
"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.errors import PermissionRequired
from hotgraft.core.grants import check_words, ungranted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.engine.journal_asked import Asked
    from hotgraft.host.journal import Recorder

__all__ = ["GRANT", "Grants", "check_granted", "make_grants", "note_grants"]

GRANT = "grant"  # the step, on record


class Grants:
    """Of one host, by the name of the plugin, loaded or not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_plugin: dict[str, frozenset[str]] = {}

    def of(self, plugin: str) -> frozenset[str]:
        """Return what is granted to a plugin."""
        return self._by_plugin.get(plugin, frozenset())

    def add(self, plugin: str, words: Iterable[str]) -> tuple[str, ...]:
        """Grant, and return what was not granted before.

        Raises:
            ValueError, TypeError: one is no permission; nothing was granted.
        """
        return self._change(plugin, words, is_granting=True)

    def remove(self, plugin: str, words: Iterable[str]) -> tuple[str, ...]:
        """Take back, and return what was granted before.

        Raises:
            ValueError, TypeError: as `add`.
        """
        return self._change(plugin, words, is_granting=False)

    def _change(self, plugin: str, words: Iterable[str], *, is_granting: bool) -> tuple[str, ...]:
        wanted = check_words(words)
        with self._lock:
            before = self.of(plugin)
            after = before | set(wanted) if is_granting else before - set(wanted)
            self._by_plugin[plugin] = after
        return tuple(sorted(before ^ after))


def make_grants(given: Mapping[str, Iterable[str]], recorder: Recorder, who: Asked) -> Grants:
    """Return the grants that a host begins with, each on record.

    Raises:
        ValueError, TypeError: one is no permission.
    """
    grants = Grants()
    for plugin, words in given.items():
        note_grants(recorder, plugin, grants.add(plugin, words), who, "granted")
    return grants


def note_grants(recorder: Recorder, plugin: str, words: tuple[str, ...], who: Asked, outcome: str) -> None:
    """Put on record what was ``granted`` or ``revoked``; nothing where nothing changed."""
    journal = recorder.journal
    if journal is None or not words:
        return
    blank = who.record(wall_ns=journal.wall_ns(), monotonic_ns=journal.monotonic_ns())
    facts = json.dumps({"permissions": list(words)})
    recorder.note(replace(blank, plugin=plugin, step=GRANT, outcome=outcome, facts=facts))


def check_granted(grants: Grants, plugin: str, number: int, permissions: Iterable[str]) -> None:
    """Refuse generation `number` of `plugin` before any of its code runs, if it asks for what is not granted.

    Raises:
        PermissionRequired: with every permission that waits.
    """
    waiting = ungranted(permissions, grants.of(plugin))
    if not waiting:
        return
    names = ", ".join(f'"{one}"' for one in waiting)
    raise PermissionRequired(
        f"accept generation {number}",
        on=plugin,
        permissions=tuple(waiting),
        found=waiting.values(),
        advice=f'if you trust it with that: host.grant("{plugin}", {names}), or grants = [{names}] under '
        f"[plugins.{plugin}] in hotgraft.toml; then try again",
    )
