"""What a `Host` offers to see a swap before it happens: whom it replaces, in which order, and all against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hotgraft.host.image import image_of
from hotgraft.host.planning import Planner

if TYPE_CHECKING:
    import os

    from hotgraft.core.set_plan import SetPlan
    from hotgraft.host.attempt import Around
    from hotgraft.host.loaded import Loaded

__all__ = ["HostPlan"]


class HostPlan:
    """A part of `Host`; see there for threads, interrupts and forks."""

    _around: Around

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...
        def _listed(self) -> tuple[Loaded, ...]: ...

    def plan(
        self,
        name: str | Mapping[str, str | os.PathLike[str] | None],
        image: str | os.PathLike[str] | None = None,
        *,
        allow_downgrade: bool = False,
    ) -> SetPlan:
        """Return what a swap would do, and every reason against it, without doing any of it.

        Who is broken by what changes is in the plan too: in its own image where that will do when it is bound anew,
        else in what lies where it was loaded from. ``plan["gain"]`` is the plan of one member.

        Args:
            name: a loaded plugin; or several, each with its image.
            image: path of the new image; None: the path it was loaded from.
            allow_downgrade: let versions in that are lower than those that serve.

        Raises:
            UnknownPlugin: nothing of that name. ImageError, ManifestError: an image that is none.
            TypeError: an image beside several plugins.
        """
        self._check_control()
        if isinstance(name, Mapping) and image is not None:
            raise TypeError("each of several plugins has its own image: host.plan({'gain': 'two.so', 'codec': None})")
        wanted = name if isinstance(name, Mapping) else {name: image}
        planner, listed = self._planner(), self._listed()
        changes = {}
        for one, path in wanted.items():
            loaded = self._loaded(one)
            changes[one] = planner.from_file(loaded, image_of(path) if path is not None else loaded.source)
        return planner.plan(listed, changes, allow_downgrade=allow_downgrade)

    def _planner(self) -> Planner:
        around = self._around
        return Planner(options=around.options, grants=around.grants, quarantine=around.quarantine)
