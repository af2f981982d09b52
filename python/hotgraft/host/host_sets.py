"""What a `Host` offers about changing several plugins as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hotgraft.engine.config import config_text
from hotgraft.engine.journal_asked import asked
from hotgraft.host.draining import checked_s
from hotgraft.host.image import content_key, image_of
from hotgraft.host.wish import SetWish, Wish

if TYPE_CHECKING:
    import os

    from hotgraft.core.options import Options
    from hotgraft.host.changing import Changes
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report_set import SetReport

__all__ = ["HostSets"]


class HostSets:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _changes: Changes
    _plugins: dict[str, Loaded]

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def reload_set(
        self,
        images: Mapping[str, str | os.PathLike[str] | None],
        *,
        configs: Mapping[str, Mapping[str, Any] | None] | None = None,
        deadline_s: float | None = None,
        is_settled: bool = False,
        allow_downgrade: bool = False,
        reason: str = "",
    ) -> SetReport:
        """Replace several plugins as one, and return what happened; calls keep flowing.

        Nobody sees some of them new and others old within one outer call. Up to publish any failure leaves every one of
        them as it was; after it, until commit, they go back together.

        Args:
            images: by plugin, the path of its new image; None: the path it was loaded from. One that is not loaded
                needs its path and its image's own name, and is loaded with the rest. Others join where it cannot be
                had without them.
            configs: by plugin, a new config for every instance; who is not named, or with None, keeps its own.
            deadline_s: for gates, drain, quiesce, state and start together; None: the longest that a member has by its
                rules, or the host's.
            is_settled: as in `reload`, of all.
            allow_downgrade: as in `reload`, of all.
            reason: why, for the journal.

        Returns:
            The report of the published swap. Asked for from inside a plugin's function: a report that says *deferred*,
            whose `result()` waits for the real one.

        Raises:
            UnknownPlugin: nothing of a name, and no image, or one of another name. TypeError: no mapping. ValueError:
            `images` is empty, or `configs` names others. What `reload` raises, by the member that failed: `on` says
            which, or which image. Each carries the `report`, a `SetReport` that says of every member what runs now.
        """
        self._check_control()
        if deadline_s is not None:
            deadline_s = checked_s(deadline_s)
        for words, told in (("images", images), ("configs", {} if configs is None else configs)):
            if not isinstance(told, Mapping):
                raise TypeError(f"{words} says by plugin, {{'gain': ...}}, and a {type(told).__name__} does not")
        if strange := [name for name in images if not isinstance(name, str)]:
            raise TypeError(f"a plugin's name is a str, and {strange[0]!r:.80} is none")
        others = [name for name in configs or {} if name not in images]
        if others or not images:
            raise ValueError(f"a config for {others[0]!r}, which is not in the set" if others else "the set is empty")
        who = asked("reload", reason)
        wishes: dict[str, Wish] = {}
        for name, image in images.items():
            source = image_of(image) if image is not None else self._loaded(name).source
            config = (configs or {}).get(name)
            text = config_text(config) if config is not None else None
            wishes[name] = Wish(
                asked=who,
                deadline_s=0.0,
                source=source,
                config_json=text,
                key=(content_key(source), text, allow_downgrade),
                is_settled=is_settled,
                allow_downgrade=allow_downgrade,
                by_own_name=True,
            )
        return self._changes.swap_set(SetWish(asked=who, wishes=wishes, deadline_s=deadline_s))
