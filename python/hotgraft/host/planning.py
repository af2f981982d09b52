"""The plan of a swap of one plugin or many, from what is loaded and from candidates: files, or staged copies of them.

The dry run and the swap itself decide by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotgraft.core.errors import HotgraftError
from hotgraft.core.graph_facts import facts_of
from hotgraft.core.options import OFF
from hotgraft.core.set_planning import NO_LEASES, Incoming, Rules, Runs, Staged, plan_set
from hotgraft.engine.config import filled_configs
from hotgraft.engine.stage import inspect_file
from hotgraft.engine.watch import content_of
from hotgraft.host.bound_graph import bound_graph
from hotgraft.host.draining import check_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from hotgraft.core.descriptor import Descriptor
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

    def incoming(self, loaded: Loaded, descriptor: Descriptor, side: Side, *, image: str, sha256: str = "") -> Incoming:
        """Return a candidate of a loaded plugin, from the descriptor of its file or of its staged copy.

        Args:
            loaded: the plugin.
            descriptor, side: of the image.
            image: the path that is loaded.
            sha256: of the image's bytes; empty: nobody looked, so no quarantine is.
        """
        return Incoming(
            facts=facts_of(descriptor, name=loaded.name, priority=loaded.priority, digest=sha256, where=image),
            side=side,
            image=image,
            refusals=tuple(self._refusals(loaded, descriptor, sha256)),
        )

    def from_file(self, loaded: Loaded, image: str) -> Incoming:
        """Return the candidate that an image on disk is.

        Raises:
            ImageError, ManifestError: it is none that can be loaded. OSError: it cannot be read.
        """
        descriptor, side = inspect_file(image, settle_deadline_s=self.options.settle_deadline_s)
        return self.incoming(loaded, descriptor, side, image=image, sha256=content_of(image) or "")

    def staged_at_sources(self, listed: Iterable[Loaded], without: Collection[str]) -> Staged:
        """Return what lies where plugins were loaded from and is not what runs; `without`: whom not to look at."""
        candidates: dict[str, Incoming] = {}
        unusable: dict[str, str] = {}
        for one in listed:
            if one.name in without or not one.source or content_of(one.source) == one.serving.generation.sha256:
                continue
            try:
                candidates[one.name] = self.from_file(one, one.source)
            except (HotgraftError, OSError) as error:
                unusable[one.name] = f"{one.source}: {_reasons(error)}"
        return Staged(candidates=candidates, unusable=unusable)

    def plan(
        self,
        listed: Iterable[Loaded],
        changes: Mapping[str, Incoming],
        *,
        allow_downgrade: bool = False,
        staged: Callable[[], Staged] | None = None,
        leases: Mapping[str, Collection[str]] = NO_LEASES,
    ) -> SetPlan:
        """Return what replacing plugins by `changes` would do.

        Args:
            listed: all that is loaded.
            changes: by the name of a loaded plugin, its candidate.
            allow_downgrade: versions may be lower than those that serve.
            staged: asked once, and only where it is needed: further candidates; None: what lies at the plugins' own
                sources and is not what runs.
            leases: by plugin, who holds leased objects of its generation.
        """
        known = {one.name: one for one in listed}
        options = self.options

        def runs(name: str) -> Runs:
            loaded = known[name]
            running = loaded.running((), self.grants.of(name))
            return Runs(running=running, image=loaded.serving.generation.path)

        return plan_set(
            bound_graph(known.values()),
            changes,
            runs=runs,
            rules=Rules(
                is_probed=options.probe != OFF,
                is_on_probation=options.probation != OFF,
                allow_downgrade=allow_downgrade,
                allows_unknown=options.unknown_contract == "allow",
            ),
            staged=staged or (lambda: self.staged_at_sources(known.values(), changes.keys())),
            leases=leases,
            measured={name: one.last_pause for name, one in known.items() if one.last_pause is not None},
        )

    def _refusals(self, loaded: Loaded, descriptor: Descriptor, sha256: str) -> Iterator[str]:
        """Yield what stands against an image whatever else happens."""
        if descriptor.name != loaded.serving.descriptor.name:
            yield f"the image is plugin {descriptor.name!r}"
        if sha256:
            yield from self.quarantine.refusals(loaded.name, sha256, loaded.configs)
        for check in (
            lambda: filled_configs(loaded.name, descriptor.config_schema, loaded.configs),
            lambda: check_rules(loaded, descriptor),
        ):
            try:
                check()
            except HotgraftError as error:
                yield from error.found


def _reasons(error: HotgraftError | OSError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "; ".join(error.found) or error.tried
