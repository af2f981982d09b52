"""Going back to the last good: the newest committed image of a plugin that is whole and comes up."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError, JournalError
from hotgraft.core.order import graph_in_order
from hotgraft.engine.journal_asked import asked
from hotgraft.engine.stage import inspect_file
from hotgraft.host.load_units import Arriving, load_units, wish_to_load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.engine.journal import Journal
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.host.host_trust import HostTrust
    from hotgraft.host.journal import Recorder
    from hotgraft.host.wish import SetWish

    # name, path of the image, config of each instance, who asked, where the image came from
    Load = Callable[[str, str, Mapping[str, str], Asked, str], None]

__all__ = ["Good", "last_good_path", "restore_last_good"]


@dataclass(frozen=True, slots=True)
class Good:
    """One committed image: its hash, where it is kept, where it came from, and the config of each instance."""

    plugin: str
    sha256: str
    path: str
    image: str
    configs: Mapping[str, str]


def last_good_path(recorder: Recorder, plugin: str) -> str | None:
    """Return where the newest committed image is that is whole."""
    if recorder.journal is None:
        return None
    store = recorder.journal.store
    return next((str(store.path(one)) for one in store.good(plugin) if not store.damage_of(one)), None)


def restore_last_good(
    host: HostTrust,
    recorder: Recorder,
    names: Iterable[str],
    sources: Mapping[str, str],
    *,
    load: Load,
    load_set: Callable[[SetWish], None],
) -> None:
    """Load the last good image of each plugin that is named, providers first; none named: of all.

    Those that need each other come up as one, of the newest image of each.

    Raises:
        JournalError: there is no journal, or no image of one comes up; those before it serve.
        ValueError: one is loaded.
    """
    journal, who = _journal_of(recorder), asked("restore")
    wanted = tuple(names) or journal.store.plugins()
    taken = [name for name in wanted if name in host]
    if taken:
        raise ValueError(f"plugin {taken[0]!r} is loaded: reload() replaces it")
    described: list[tuple[str, Descriptor]] = []
    found: dict[str, tuple[Good, ...]] = {}
    for name in wanted:
        images = good_images(recorder, name, who)
        if not images:
            raise _nothing_left(journal, name, ())
        deadline_s = host.options.settle_deadline_s
        described.append((name, inspect_file(images[0].path, settle_deadline_s=deadline_s)[0]))
        found[name] = images

    def load_as_one(unit: Sequence[str]) -> None:
        newest = [found[name][0] for name in unit]
        places = {one.plugin: sources.get(one.plugin, "") or one.image or one.path for one in newest}
        arriving = {one.plugin: Arriving(one.path, one.configs, places[one.plugin]) for one in newest}
        load_set(wish_to_load(arriving, who))

    load_units(
        graph_in_order(described),
        found,
        lambda name: _restore(recorder, found[name], who, sources.get(name, ""), load),
        load_as_one,
        lambda _: None,  # a reload would take what lies at its place
    )


def _restore(recorder: Recorder, images: tuple[Good, ...], who: Asked, source: str, load: Load) -> None:
    """Load the newest that comes up; each that does not is noted."""
    reasons: list[str] = []
    for one in images:
        try:
            load(one.plugin, one.path, one.configs, who, source or one.image or one.path)
        except JournalError:
            raise
        except HotgraftError as error:
            reasons.append(f"{one.sha256[:8]}: {'; '.join(error.found) or error.tried}")
            _note_passed_over(recorder, one.plugin, one.sha256, who, reasons[-1])
        else:
            return
    raise _nothing_left(_journal_of(recorder), images[0].plugin, reasons)


def good_images(recorder: Recorder, plugin: str, who: Asked) -> tuple[Good, ...]:
    """Return the plugin's committed images, the newest first; one that is damaged is passed over, and that noted."""
    journal = _journal_of(recorder)
    found = []
    for sha256 in journal.store.good(plugin):
        damage = journal.store.damage_of(sha256)
        if damage:
            _note_passed_over(recorder, plugin, sha256, who, damage)
            continue
        commit = journal.last_commit(plugin, sha256)
        facts = json.loads(commit.facts) if commit is not None else {}
        configs = {name: journal.config(text) or "{}" for name, text in facts.get("configs", {"main": ""}).items()}
        found.append(Good(plugin, sha256, str(journal.store.path(sha256)), facts.get("image", ""), configs))
    return tuple(found)


def _nothing_left(journal: Journal, plugin: str, reasons: Iterable[str]) -> JournalError:
    found = tuple(reasons) or (f"{journal.folder} has no usable committed image of it",)
    return JournalError(
        "restore the last good", on=plugin, found=found, advice="load an image of it", running="nothing of it is loaded"
    )


def _note_passed_over(recorder: Recorder, plugin: str, sha256: str, who: Asked, why: str) -> None:
    journal = _journal_of(recorder)
    blank = who.record(wall_ns=journal.wall_ns(), monotonic_ns=journal.monotonic_ns())
    recorder.note(replace(blank, plugin=plugin, after_sha256=sha256, step="restore", outcome="passed over", error=why))


def _journal_of(recorder: Recorder) -> Journal:
    if recorder.journal is None:
        raise JournalError(
            "restore the last good",
            on="the host",
            found="it has no journal",
            advice="make it with one: Host(journal=FOLDER)",
            running="nothing was changed",
        )
    return recorder.journal
