"""What a `Host` offers about health: asking for it, further checks of the program's own, and what was said last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hotgraft import _core
from hotgraft.engine.health import Depth
from hotgraft.host.health import HealthBook
from hotgraft.host.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.options import Options
    from hotgraft.host.events import HostEvents
    from hotgraft.host.health import HealthReport
    from hotgraft.host.loaded import Loaded

__all__ = ["HostHealth", "make_health"]

Check = TypeVar("Check", bound="Callable[[Any], object]")


def make_health(
    options: Options, events: HostEvents, listed: Callable[[], tuple[Loaded, ...]]
) -> tuple[HealthBook, Schedule]:
    """Return the book of a host, and the schedule that has it ask."""
    book = HealthBook(events)

    def ask(loaded: Loaded) -> HealthReport:
        return book.check(loaded, deadline_s=options.health_deadline_s)

    return book, Schedule(options.health_every_s, listed=listed, ask=ask, events=events)


class HostHealth:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _health: HealthBook

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def health(self, name: str) -> Callable[[Check], Check]:
        """Ask the decorated function as well whether `name` is fit to serve, until the plugin is closed.

        It is called with a handle, once for each instance, on a thread of its own that is given `health_deadline_s`.
        Answering False or raising means that the plugin is not fit, and the exception's text is the reason; every other
        answer, None too, that it is. One that does not come back in time counts as failed, and is not called again
        before it has. It outlives reloads::

            @host.health("gain")
            def is_not_silent(plugin):
                assert plugin.peak() > 0.0, "it is silent"

        Args:
            name: of a loaded plugin: a check for a name that nobody ever loads would pass for good.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        self._check_control()
        plugin = self._loaded(name).name

        def add(function: Check) -> Check:
            self._health.add(plugin, function)
            return function

        return add

    def check_health(self, name: str, *, is_full: bool = False, deadline_s: float | None = None) -> HealthReport:
        """Ask every check of `name` now, one after another, and return what they said.

        Args:
            name: of a loaded plugin.
            is_full: its own check is to look closely, which may take seconds.
            deadline_s: for each check; None: the host's setting.

        Raises:
            UnknownPlugin: nothing of that name is loaded. That it is not fit is no error here.
        """
        self._check_control()
        limit = self.options.health_deadline_s if deadline_s is None else deadline_s
        return self._health.check(self._loaded(name), depth=Depth.FULL if is_full else Depth.QUICK, deadline_s=limit)

    def health_of(self, name: str) -> HealthReport | None:
        """Return the newest report on the health of `name`; None: it was not asked yet.

        Raises:
            UnknownPlugin: nothing of that name is loaded.
        """
        return self._health.last(self._loaded(name).name)

    @property
    def tainted(self) -> str:
        """Why results of this process no longer count: the first crash that was caught in it; empty: none was."""
        return _core.taint()

    def _quick_health(self, loaded: Loaded) -> tuple[str, ...]:
        """Return every reason why what was just published is not fit, and what it replaced was.

        Going back to what was not fit either helps nobody.
        """
        before, held = self._health.last(loaded.name), loaded.held
        report = self._health.check(loaded, deadline_s=self.options.health_deadline_s, is_first=True)
        was_fit = before is None or before.is_fit or held is None or before.generation != held.generation.number
        return report.reasons if was_fit else ()
