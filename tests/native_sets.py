"""Several loaded plugins replaced by one native window, and noted as a host notes it: what a set is to whoever calls.

Plugins without state, or whose one state is handed over; no probe, no journal, no probation.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from hotgraft import _core
from hotgraft.core.call_types import call_description
from hotgraft.core.lifecycle import Event
from hotgraft.core.plan import make_plan
from hotgraft.engine.load import InstanceWish, prepare
from hotgraft.engine.stage import stage_candidate
from hotgraft.engine.timing import Stopwatch
from hotgraft.engine.transfer import member_of
from hotgraft.host.binding import bind_requires
from hotgraft.host.moving import moved_pins
from hotgraft.host.outputs import base_of_handles
from hotgraft.host.plugin import make_call_type
from hotgraft.host.provider import provider_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hotgraft import Host

DEADLINE_S = 10.0


def swap_set(
    host: Host,
    images: Mapping[str, Path],
    *,
    configs: Mapping[str, str] | None = None,
    between: Callable[[], None] = lambda: None,
    deadline_s: float = DEADLINE_S,
) -> Any:
    """Replace the plugins of `images`, consumers first; return the window's record.

    `between` is called once all is published, before each plugin is noted.
    """
    watch = Stopwatch(time.monotonic_ns)
    rows = [_prepared(host, name, str(image), (configs or {}).get(name), watch) for name, image in images.items()]
    with ExitStack() as carried:
        for loaded, plan, member, prepared, call_type, _ in rows:
            tables = dict(zip([wish.name for wish in prepared.wishes], prepared.pin_tables, strict=True))
            carried.enter_context(
                moved_pins(loaded, plan, member, prepared.candidate, tables, call_type=call_type, deadline_s=DEADLINE_S)
            )
        record = _core.run_swap([row[2] for row in rows], deadline_s=deadline_s)
    for loaded, _, _, prepared, call_type, imports in rows if record.is_published else ():
        between()
        old = loaded.serving.generation
        loaded.imports, loaded.call_type = imports, call_type
        loaded.adopt(prepared)
        loaded.replaced.add(old)
        host._around.after_publish(loaded)
        _core.retire(old)
    for row in () if record.is_published else rows:
        row[3].candidate.generation.drop()
    return record


def _prepared(host: Host, name: str, image: str, config: str | None, watch: Stopwatch) -> tuple[Any, ...]:
    loaded = host._plugins[name]
    loaded.last_number += 1
    candidate = stage_candidate(image, name, loaded.last_number, place=host._around.place, watch=watch)
    imports = bind_requires(name, candidate.descriptor, map(provider_of, host._listed()))
    candidate.generation.advance(Event.ACCEPT)
    wishes = [
        InstanceWish(
            one.name,
            config or one.config_json,
            config or one.config_json,
            {each.key: loaded.slot_for(one.name, each.key) for each in candidate.side.interfaces},
        )
        for one in loaded.instances.values()
    ]
    slots = {key: bound.slot for key, bound in imports.items()}
    prepared = prepare(candidate, wishes, slots, deadline_s=DEADLINE_S, watch=watch)
    plan = make_plan(name, loaded.running(()), candidate.side, is_probed=False, is_on_probation=False)
    old_indexes = {one.name: one.index for one in loaded.instances.values()}
    member = member_of(plan, loaded.serving.generation, prepared, old_indexes, leaves=False, seen={})
    description = call_description(candidate.descriptor, name, catches_crashes=False)
    call_type = make_call_type(description, previous=loaded.call_type, base=base_of_handles(host.options))
    return loaded, plan, member, prepared, call_type, imports
