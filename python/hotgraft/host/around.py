"""What an attempt needs of its host."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from hotgraft.core.dataclass import dataclass
from hotgraft.host.converters import Converters

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.options import Options
    from hotgraft.engine.stage import StagingPlace
    from hotgraft.host.grants import Grants
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.quarantine import Quarantine
    from hotgraft.host.snapshots import Snapshots

__all__ = ["Around"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an attempt needs of its host."""

    options: Options
    place: StagingPlace
    others: Callable[[], tuple[Loaded, ...]]
    after_publish: Callable[[Loaded], None]
    forget: Callable[[Loaded], None]  # it is out of service
    quarantine: Quarantine
    grants: Grants
    is_closed: Callable[[], bool]  # nothing is loaded any more
    check_health: Callable[[Loaded], tuple[str, ...]]  # quickly; every reason why what serves is not fit
    begin_probation: Callable[[Loaded], None]
    snapshots: Snapshots
    converters: Converters = field(default_factory=Converters)

    def without_settling(self) -> Around:
        """Return the same for an image whose writer is known to have finished."""
        return replace(self, place=replace(self.place, still_s=0.0))
