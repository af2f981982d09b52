"""The plan of a swap of one plugin or many, from what is loaded and from candidates: files, or staged copies of them.

The dry run and the swap itself decide by the same code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError
from hotgraft.core.grants import ungranted
from hotgraft.core.graph_facts import facts_of, key_of
from hotgraft.core.options import OFF
from hotgraft.core.set_planning import Incoming, Rules, Runs, Staged, plan_set
from hotgraft.engine.config import filled_configs
from hotgraft.engine.stage import STILL_S, inspect_file
from hotgraft.engine.watch import content_of
from hotgraft.host.bound_graph import bound_graph, loaded_facts
from hotgraft.host.draining import check_rules
from hotgraft.host.leases import lease_holders
from hotgraft.host.provider import provider_of
from hotgraft.host.unknown import check_own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.graph_facts import PluginFacts
    from hotgraft.core.options import Options
    from hotgraft.core.plan import Side
    from hotgraft.core.set_plan import SetPlan
    from hotgraft.host.grants import Grants
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.quarantine import Quarantine

__all__ = ["Planner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """What planning needs of a host.

    Thread safety: any thread; it changes nothing. While a plugin is replaced, its part of a plan may be of either side.
    """

    options: Options
    grants: Grants
    quarantine: Quarantine

    def incoming(
        self,
        name: str,
        descriptor: Descriptor,
        side: Side,
        *,
        loaded: Loaded | None,
        image: str,
        sha256: str = "",
        configs: Mapping[str, str] | None = None,
        priority: int = 0,
    ) -> Incoming:
        """Return a candidate, from the descriptor of its file or of its staged copy.

        Args:
            name: of the plugin.
            descriptor, side: of the image.
            loaded: what serves of it; None: nothing does.
            image: the path that is loaded.
            sha256: of the image's bytes; empty: nobody looked, so no quarantine is.
            configs: new ones, as JSON by instance; who is not in them keeps its own.
            priority: of one that is not loaded.
        """
        if loaded is not None:
            priority = loaded.priority
        texts = {**(loaded.configs if loaded is not None else {}), **(configs or {})}
        return Incoming(
            facts=facts_of(descriptor, name=name, priority=priority, digest=sha256, where=image),
            side=side,
            image=image,
            refusals=tuple(self._refusals(name, descriptor, loaded, sha256, texts)),
        )

    def from_file(
        self,
        name: str,
        image: str,
        loaded: Loaded | None,
        *,
        settle_deadline_s: float,
        still_s: float = STILL_S,
        listed: Iterable[Loaded] = (),
    ) -> Incoming:
        """Return the candidate that an image on disk is, once it is complete and has held still so long.

        `listed`: all that is loaded, for who is not and must be named as its image is.

        Raises:
            ImageError, ManifestError: it is none that can be loaded. OSError: it cannot be read. UnknownPlugin: it is
            not loaded, and the image is of another name.
        """
        is_known = loaded is not None and image == loaded.source
        descriptor, side = inspect_file(image, settle_deadline_s=settle_deadline_s, still_s=still_s, is_known=is_known)
        if loaded is None:
            check_own_name(name, image, descriptor.name, listed)
        return self.incoming(name, descriptor, side, loaded=loaded, image=image, sha256=content_of(image) or "")

    def staged_at_sources(self, listed: Iterable[Loaded], without: Collection[str]) -> Staged:
        """Return what lies where plugins were loaded from and is not what runs; `without`: whom not to look at.

        What is not complete is not waited for: nobody asked for it.
        """
        candidates: dict[str, Incoming] = {}
        unusable: dict[str, str] = {}
        for one in listed:
            if one.name in without or not one.source or content_of(one.source) == one.serving.generation.sha256:
                continue
            try:
                found = self.from_file(one.name, one.source, one, settle_deadline_s=0.0, still_s=0.0)
            except (HotgraftError, OSError) as error:
                unusable[one.name] = f"{one.source}: {_reasons(error)}"
                continue
            if one.taken_back and found.facts.digest == one.taken_back:
                found = replace(found, refusals=(*found.refusals, _taken_back(one)))
            if found.refusals:
                unusable[one.name] = f"{one.source}: {'; '.join(found.refusals)}"
            else:
                candidates[one.name] = found
        return Staged(candidates=candidates, unusable=unusable)

    def plan(
        self,
        listed: Iterable[Loaded],
        changes: Mapping[str, Incoming],
        *,
        allow_downgrade: bool = False,
        staged: Callable[[], Staged] | None = None,
    ) -> SetPlan:
        """Return what replacing plugins by `changes` would do.

        Args:
            listed: all that is loaded.
            changes: by plugin, its candidate; one that is not loaded is loaded with the rest.
            allow_downgrade: versions may be lower than those that serve.
            staged: asked once, and only where it is needed: further candidates; None: what lies at the plugins' own
                sources and is not what runs.
        """
        known = {one.name: one for one in listed}
        options = self.options

        def runs(name: str) -> Runs:
            loaded = known[name]
            running = loaded.running((), self.grants.of(name))
            return Runs(running=running, image=loaded.serving.generation.path)

        lasting = dict(_lasting(known.values(), changes.keys()))
        graph = bound_graph(known.values())
        if lasting:
            graph = replace(graph, plugins={**graph.plugins, **lasting})
        return plan_set(
            graph,
            changes,
            runs=runs,
            rules=Rules(
                is_probed=options.probe != OFF,
                is_on_probation=options.probation != OFF,
                allow_downgrade=allow_downgrade,
                allows_unknown=options.unknown_contract == "allow",
            ),
            staged=staged or (lambda: self.staged_at_sources(known.values(), changes.keys())),
            leases=lease_holders(known.values()),
            may_go_back=lasting.keys(),
            measured={name: one.last_pause for name, one in known.items() if one.last_pause is not None},
        )

    def _refusals(
        self, name: str, descriptor: Descriptor, loaded: Loaded | None, sha256: str, configs: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield what stands against an image whatever else happens."""
        if loaded is not None and descriptor.name != loaded.serving.descriptor.name:
            yield f"the image is plugin {descriptor.name!r}"
        if sha256:
            yield from self.quarantine.refusals(name, sha256, configs)
        if loaded is None:  # there is no plan that asks for them
            yield from ungranted(descriptor.permissions, self.grants.of(name)).values()
        try:
            filled_configs(name, descriptor.config_schema, configs)
        except HotgraftError as error:
            yield from error.found
        try:
            if loaded is not None:
                check_rules(loaded, descriptor)
        except HotgraftError as error:
            yield from error.found


def _lasting(listed: Iterable[Loaded], changed: Collection[str]) -> Iterator[tuple[str, PluginFacts]]:
    """Yield what those on probation offer whatever comes of it: a rollback must not break who is bound meanwhile.

    Who goes back with one of `changed` goes back with whoever is bound to it.
    """
    for one in listed:
        if one.name in changed or (held := provider_of(one, *changed).held) is None:
            continue
        facts = loaded_facts(one)
        before = {offer.key: offer.known_version for offer in held.side.interfaces}
        yield (
            one.name,
            replace(
                facts,
                provides=tuple(
                    (name, min(version, before[key]))
                    for name, version in facts.provides
                    if (key := key_of(name, version)) in before
                ),
                features=tuple(feature for feature in facts.features if feature in held.side.features),
            ),
        )


def _taken_back(loaded: Loaded) -> str:
    return f"it was rolled back from, so it comes in only by name: reload {loaded.name} too"


def _reasons(error: HotgraftError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "; ".join(error.found) or error.tried
