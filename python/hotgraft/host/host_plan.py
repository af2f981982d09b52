"""What a `Host` offers to see a swap before it happens: whom it replaces, in which order, and all against it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hotgraft.engine.stage import STILL_S
from hotgraft.host.image import image_of
from hotgraft.host.planning import Planner

if TYPE_CHECKING:
    import os

    from hotgraft.core.options import Options
    from hotgraft.core.set_plan import SetPlan
    from hotgraft.host.around import Around
    from hotgraft.host.loaded import Loaded

__all__ = ["HostPlan"]


class HostPlan:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
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
            name: a loaded plugin; or several, each with its image. One that is not loaded needs its path and the name
                that the image says, and would be loaded with the rest.
            image: path of the new image; None: the path it was loaded from.
            allow_downgrade: let versions in that are lower than those that serve.

        Raises:
            UnknownPlugin: nothing of that name, and no image, or one of another name. ImageError, ManifestError: an
            image that is none. TypeError: an image beside several plugins. ValueError: no plugin.
        """
        self._check_control()
        if isinstance(name, Mapping) and image is not None:
            raise TypeError("each of several plugins has its own image: host.plan({'gain': 'two.so', 'codec': None})")
        if not isinstance(name, str | Mapping):
            raise TypeError(f"say one name, or images by plugin: host.plan({{'gain': None}}); not {name!r:.80}")
        wanted = name if isinstance(name, Mapping) else {name: image}
        if not wanted:
            raise ValueError("say which plugins would be replaced: there is none")
        planner, listed = self._planner(), self._listed()
        known, changes = {one.name: one for one in listed}, {}
        until = time.monotonic() + self.options.settle_deadline_s  # of all files together
        still_s = STILL_S if len(wanted) == 1 else 0.0
        for one, path in wanted.items():
            loaded = known.get(one) if isinstance(name, Mapping) and path is not None else self._loaded(one)
            source = image_of(path) if path is not None else self._loaded(one).source
            left_s = max(until - time.monotonic(), 0.0)
            changes[one] = planner.from_file(
                one, source, loaded, settle_deadline_s=left_s, still_s=still_s, listed=listed
            )
        return planner.plan(listed, changes, allow_downgrade=allow_downgrade)

    def _planner(self) -> Planner:
        around = self._around
        return Planner(options=around.options, grants=around.grants, quarantine=around.quarantine)
