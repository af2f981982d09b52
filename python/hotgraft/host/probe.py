"""A candidate is tried in a process of its own: what it is tried with, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.options import OFF
from hotgraft.core.probing import REFUSED_CHANGES, judge, read_told
from hotgraft.engine.config import filled_configs
from hotgraft.engine.probe import run_helper
from hotgraft.engine.probe_request import LibraryToProbe, place_of, request_bytes
from hotgraft.engine.probe_state import CopiedState, copy_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hotgraft.core.errors import HotgraftError
    from hotgraft.core.options import Options
    from hotgraft.core.plan import Plan
    from hotgraft.core.probing import ProbeReport
    from hotgraft.engine.stage import Candidate
    from hotgraft.host.loaded import Bound, Loaded
    from hotgraft.host.provider import Provider

__all__ = ["copy_live_state", "is_probing", "probe"]


def is_probing(options: Options) -> bool:
    """Tell whether candidates are tried first."""
    return options.probe != OFF


def probe(
    candidate: Candidate,
    *,
    source: str,
    configs: Mapping[str, str],
    imports: Mapping[str, Bound],
    copied: CopiedState,
    others: Callable[[], Iterable[Provider]],
    options: Options,
) -> tuple[ProbeReport, HotgraftError | None]:
    """Try `candidate` with these configs, by instance, and copies of state.

    Return what was seen, and the error that refuses the candidate, if any.

    Raises:
        ResourceError, LoadError: there was no probe.
    """
    plugin = candidate.generation.plugin
    there = {one.name: one for one in others()} if imports else {}
    own = LibraryToProbe(
        plugin=plugin,
        generation=candidate.generation,
        source=source,
        side=candidate.side,
        configs=configs,
        imports=_places(imports, there),
        states=copied.states,
        may_write=candidate.descriptor.state.copies,
    )
    request = request_bytes(
        [*_providers(plugin, imports, there), own],
        reach=options.probe,
        memory_bytes=options.probe_memory_bytes,
        stage_deadline_s=options.probe_deadline_s,
    )
    ran = run_helper(request, stage_deadline_s=options.probe_deadline_s)
    report, error = judge(
        read_told(ran.text),
        ran.ending,
        label=candidate.generation.label,
        plugin=plugin,
        refused_changes=REFUSED_CHANGES if options.probe_changes == "refuse" else frozenset(),
    )
    fresh = [f"with its state: {copied.left_out}"] if copied.left_out else []
    not_probed = "; ".join([*([report.not_probed] if report.not_probed else []), *fresh])
    return replace(report, not_probed=not_probed, pause_us=copied.pause_us), error


def copy_live_state(loaded: Loaded, plan: Plan | None, options: Options, *, deadline_s: float) -> CopiedState:
    """Copy the state of what serves, if a probe is to begin with it; `deadline_s` is for each of its own functions.

    Raises:
        StateError, PluginError, PluginAbandoned: as a swap would.
    """
    if plan is None or options.probe != "start":
        return CopiedState()
    instances = loaded.instances.values()
    return copy_state(
        loaded.serving.generation,
        [slot for instance in instances for slot in instance.slots.values()],
        {instance.name: instance.index for instance in instances},
        plan,
        bytes_max=options.probe_state_bytes,
        deadline_s=deadline_s,
        threads=loaded.converters.threads,
    )


def _providers(plugin: str, imports: Mapping[str, Bound], known: Mapping[str, Provider]) -> list[LibraryToProbe]:
    """Return what the imports of a plugin's candidate lead to, and what theirs do, each after what it needs itself.

    In a cycle that is not possible: who comes first is bound to places at which nothing serves yet.
    """
    found: dict[str, LibraryToProbe] = {}
    seen = {plugin}

    def add(name: str) -> None:
        if name in seen or name not in known:
            return
        seen.add(name)
        one = known[name]
        for bound in one.imports.values():
            add(bound.provider)
        own = {one.first: one.configs[one.first]}
        found[name] = LibraryToProbe(
            plugin=name,
            generation=one.candidate.generation,
            source=one.source,
            side=one.side,
            configs=filled_configs(name, one.candidate.descriptor.config_schema, own),
            imports=_places(one.imports, known),
            states={},
        )

    for bound in imports.values():
        add(bound.provider)
    return list(found.values())


def _places(imports: Mapping[str, Bound], known: Mapping[str, Provider]) -> dict[str, str]:
    return {
        name: place_of(bound.provider, known[bound.provider].first, bound.interface)
        for name, bound in imports.items()
        if bound.provider in known
    }
