"""The state of a plugin and of its sessions, copied by whoever has its turn."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.snapshot import Origin
from hotgraft.engine.snapshot_take import OpenSession, TakenState, take_sessions, take_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.snapshot import SessionState
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.session import Session

__all__ = ["copy_plugin"]


def copy_plugin(loaded: Loaded, reason: str, *, rest_s: float, deadline_s: float) -> TakenState:
    """Copy the state of every instance, or of every session that has a name, with those that wait to be opened.

    Raises:
        SnapshotError, Busy, DrainTimeout, PluginError, PluginAbandoned: as `take_state`.
    """
    instances = loaded.instances.values()
    taken = take_state(
        loaded.serving,
        [slot for instance in instances for slot in instance.slots.values()],
        {instance.name: instance.index for instance in instances},
        loaded.configs,
        reason=reason,
        taken_ns=time.time_ns(),
        rest_s=rest_s,
        deadline_s=deadline_s,
    )
    if not loaded.serving.side.state.is_per_session:
        return taken
    with loaded.sessions.turn("copy its sessions"):
        waiting = [one.session for one in loaded.sessions.waiting()]
        pauses_us = [taken.pause_us]
        copied: list[SessionState] = []
        open_ones = loaded.sessions.list()
        named = [one for one in open_ones if one.is_named]
        for group in _by_generation(named):
            states, pause_us = _copy_group(loaded, group, rest_s, deadline_s)
            copied += states
            pauses_us.append(pause_us)
    snapshot = replace(taken.snapshot, sessions=(*copied, *waiting))
    unnamed = len(open_ones) - len(named)
    return replace(taken, snapshot=snapshot, pause_us=max(pauses_us), unnamed=unnamed)


def _by_generation(sessions: list[Session]) -> Iterator[list[Session]]:
    """Yield the sessions on each generation, in the order in which they were opened."""
    groups: dict[int, list[Session]] = {}
    for one in sorted(sessions, key=lambda one: one.order):
        groups.setdefault(one.link.held.generation.number, []).append(one)
    yield from groups.values()


def _copy_group(
    loaded: Loaded, sessions: list[Session], rest_s: float, deadline_s: float
) -> tuple[list[SessionState], float]:
    held = sessions[0].link.held
    slots = [slot for one in sessions for slot in one.link.slots.values()]
    origin = None
    if held.generation is loaded.serving.generation:
        # If one of them does not get its state back, nothing of the generation may be called.
        own = {id(slot) for slot in slots}
        everything = [slot for instance in loaded.instances.values() for slot in instance.slots.values()]
        everything += [
            slot for one in loaded.sessions.list() if one.link.held is held for slot in one.link.slots.values()
        ]
        slots += [slot for slot in everything if id(slot) not in own]
    else:
        origin = Origin(
            version=held.version,
            generation=held.generation.number,
            image_sha256=held.generation.sha256,
            descriptor=held.generation.descriptor,
        )
    return take_sessions(
        held.generation,
        held.state,
        slots,
        [OpenSession(name=one.who, instance=one.link.instance.name, index=one.link.index) for one in sessions],
        origin=origin,
        rest_s=rest_s,
        deadline_s=deadline_s,
    )
