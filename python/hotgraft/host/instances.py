"""Handles, pins and further instances of a plugin that serves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hotgraft import _core
from hotgraft.core.breaker import BreakerState
from hotgraft.core.errors import Busy, HostClosed, PluginUnavailable
from hotgraft.core.lifecycle import Stage
from hotgraft.engine.config import filled_configs
from hotgraft.engine.load import make_tables
from hotgraft.host.draining import rules_of, swap_deadline_s
from hotgraft.host.link import Link, PinLink, retype
from hotgraft.host.loaded import Instance
from hotgraft.host.pin import Pin
from hotgraft.host.probe import is_probing, probe
from hotgraft.host.provider import provider_of
from hotgraft.host.report import Outcome, SwapReport

if TYPE_CHECKING:
    from hotgraft.core.probing import ProbeReport
    from hotgraft.engine.snapshot_resume import Resume
    from hotgraft.engine.timing import Stopwatch
    from hotgraft.host.around import Around
    from hotgraft.host.host import Host
    from hotgraft.host.journal import AttemptRecord
    from hotgraft.host.loaded import Loaded, Pinnable
    from hotgraft.host.plugin import Plugin

__all__ = ["add_instance", "expect_retype", "make_handle", "pin_instance", "retype_handles"]

LOOK_AGAIN_S: Final = 0.0002


def make_handle(host: Host, loaded: Loaded, instance: Instance) -> Plugin:
    """Return the handle of an instance: its functions read the instance's slots."""
    assert loaded.call_type is not None  # made before the first generation served
    slots = _ordered(loaded, instance)
    handle: Plugin = _core.make_call_object(loaded.call_type, slots, Link(host, loaded, instance, tuple(slots)))
    return handle


def expect_retype(loaded: Loaded) -> object:
    """Let calls that find an interface gone wait for `retype_handles`, until `_core.end_retype` of what is returned."""
    return _core.expect_retype([one.handle for one in loaded.instances.values() if one.handle is not None])


def retype_handles(loaded: Loaded) -> None:
    """Give every handle the functions of what serves now; nothing happens when the set is the same."""
    assert loaded.call_type is not None  # made before it serves
    for instance in loaded.instances.values():
        if instance.handle is not None:
            retype(instance.handle, loaded.call_type, tuple(_ordered(loaded, instance)))


def add_instance(
    loaded: Loaded,
    name: str,
    config_json: str,
    *,
    around: Around,
    watch: Stopwatch,
    record: AttemptRecord,
    resume: Resume,
) -> SwapReport:
    """Make and start one more instance of the generation that serves, and publish it in slots of its own.

    Raises:
        ValueError: there is one of that name. ConfigError: its config breaks the schema. ProbeError: it is not fit to
            serve. PluginError, PluginAbandoned: its own functions. Busy: it is on probation. PluginUnavailable: what
            serves is out of service. Nothing changed.
    """
    with loaded.sessions.turn("add an instance"):  # which looks at those that are there, as opening a session does
        return _add_instance(loaded, name, config_json, around=around, watch=watch, record=record, resume=resume)


def _add_instance(
    loaded: Loaded,
    name: str,
    config_json: str,
    *,
    around: Around,
    watch: Stopwatch,
    record: AttemptRecord,
    resume: Resume,
) -> SwapReport:
    if name in loaded.instances:
        raise ValueError(f"plugin {loaded.name!r} has an instance {name!r} already: reload() replaces it")
    serving, deadline_s = loaded.serving, around.options.control_deadline_s
    if loaded.held is not None:
        raise Busy(
            f"add instance {name!r}",
            on=loaded.name,
            found=f"generation {serving.generation.number} is on probation, and what would follow a rollback lacks it",
            advice="add it when the probation is over, or end that with Host.commit(name)",
            running=f"generation {serving.generation.number} serves on",
        )
    if why := serving.generation.out_of_service:
        raise PluginUnavailable(
            f"add instance {name!r}",
            on=loaded.name,
            found=f"generation {serving.generation.number} is out of service: {why}",
            advice="reload the plugin, and add it to what serves then",
            running=f"generation {serving.generation.number} stays loaded, and is not called",
        )
    filled_json = filled_configs(loaded.name, serving.descriptor.config_schema, {name: config_json})[name]
    slots = {one.key: loaded.slot_for(name, one.key) for one in serving.side.interfaces}
    resume.choose(serving.side)
    probed = _probe(loaded, name, filled_json, around=around, watch=watch, resume=resume)
    record.intend(serving.generation, serving.side.version)
    attempt = _core.Attempt.of(serving.generation)
    with watch(f"create {name}"):
        index = attempt.create(name, filled_json, deadline_s)
    resume.give(serving.generation, {name: index}, deadline_s=deadline_s, watch=watch)
    with watch(f"start {name}"):
        attempt.start(index, deadline_s)
    tables, pin_tables = (make_tables(attempt, serving.side, index, slots, deadline_s=deadline_s) for _ in range(2))
    for table in tables:
        table.slot.publish(table)
    pinnable = loaded.pinnable(tuple(pin_tables))
    loaded.instances[name] = Instance(name, config_json, slots, index=index, pinnable=pinnable)
    around.after_publish(loaded)
    return SwapReport(
        plugin=loaded.name,
        outcome=Outcome.PUBLISHED,
        generation=serving.generation.number,
        version=serving.side.version,
        candidate=serving.generation.number,
        image=loaded.source,
        sha256=serving.generation.sha256,
        steps=tuple(watch.steps),
        probe=probed,
    )


def _probe(
    loaded: Loaded, name: str, config_json: str, *, around: Around, watch: Stopwatch, resume: Resume
) -> ProbeReport | None:
    """Try what serves with this config in a process of its own: create and start may crash on it."""
    if not is_probing(around.options):
        return None
    with watch("probe"):
        report, error = probe(
            loaded.serving,
            source=loaded.source,
            configs={name: config_json},
            imports=loaded.imports,
            copied=resume.to_probe(around.options.probe_state_bytes, loaded.serving.generation),
            others=lambda: map(provider_of, around.others()),
            options=around.options,
        )
        if error is not None:
            raise error
    return report


def pin_instance(host: Host, loaded: Loaded, instance: Instance, *, deadline_s: float, who: str) -> Pin:
    """Hold the generation that serves, and return the pin with a handle of its own.

    Raises:
        Busy: a swap waits for pins to end. PluginUnavailable: its breaker is open.
    """
    breaker = host.breaker.breaker(loaded.name)
    if breaker.state is not BreakerState.CLOSED:
        raise PluginUnavailable("pin it", on=loaded.name, found=breaker.why)
    who = who or "a pin"
    limit_s = swap_deadline_s(loaded, host.options, None)
    held, hold = _hold(loaded, instance, who, time.monotonic() + limit_s)
    slots = {key: _core.Slot.named(f"pin:{table.slot.name}") for key, table in held.tables.items()}
    for slot, table in zip(slots.values(), held.tables.values(), strict=True):
        slot.publish(table)
    owner = PinLink(host, loaded, instance, slots, held)
    handle: Plugin = _core.make_call_object(held.call_type, list(slots.values()), owner)
    pin = Pin(handle, owner, hold=hold, deadline_s=deadline_s, who=who)
    loaded.open_pins.add(pin)
    return pin


def _hold(loaded: Loaded, instance: Instance, who: str, until_s: float) -> tuple[Pinnable, _core.HeldPin]:
    """Count a hold on what serves: again, if it was replaced between looking and counting."""
    while True:
        looks, held = loaded.looks, instance.pinnable
        if held is None:
            raise HostClosed("pin it", on=loaded.name, found="the host is closed")
        try:
            hold = held.generation.add_pin(who)
        except Busy:
            # Where pins move, a swap waits for calls alone; a look at the state is over in a moment. One that is inside
            # would wait for what waits for it.
            is_looked_at = looks % 2 != 0 or loaded.looks != looks
            if (
                not (rules_of(loaded).moves_pins or is_looked_at)
                or _core.is_inside_call()
                or time.monotonic() >= until_s
            ):
                raise
            time.sleep(LOOK_AGAIN_S)
            continue
        # Counted first, looked at second: the reaper does it the other way round, so one of the two sees the other.
        if held.generation.stage == Stage.ACTIVE:
            return held, hold
        hold.let_go()
        time.sleep(LOOK_AGAIN_S)  # published a moment ago: whoever carried out the swap is about to say so


def _ordered(loaded: Loaded, instance: Instance) -> list[_core.Slot]:
    """Return an instance's slots in the order of the call type's interface_index."""
    return [instance.slots[one.key] for one in loaded.serving.side.interfaces]
