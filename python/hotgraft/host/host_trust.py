"""What a `Host` offers about trust in a new generation: going back, letting it stay, and what is not tried again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hotgraft.core.probation import Rules
from hotgraft.engine.journal_asked import asked
from hotgraft.host.draining import back_deadline_s
from hotgraft.host.image import image_of
from hotgraft.host.last_good import last_good_path, restore_last_good
from hotgraft.host.quarantine import note_lifted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from hotgraft.core.options import Options
    from hotgraft.core.verdict import Verdict
    from hotgraft.host.changing import Changes
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.probation import Probations
    from hotgraft.host.quarantine import Quarantine, QuarantinedImage
    from hotgraft.host.report import SwapReport

__all__ = ["HostTrust"]


class HostTrust:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _changes: Changes
    _quarantine: Quarantine
    _probations: Probations
    _recorder: Recorder

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...
        def __contains__(self, name: object) -> bool: ...

    def rollback(self, name: str, *, deadline_s: float | None = None, reason: str = "") -> SwapReport:
        """Go back to what served under `name` before, with the state gained since.

        Before commit, the generation that is held serves again, and so do those of all plugins that were replaced
        together with it: all of them, or none. After it, this is a new swap, of the image before: the one that was
        replaced last or, from a journal, the newest committed one that is not the one that serves.

        Args:
            name: a loaded plugin; all its instances go back as one.
            deadline_s: for gates, drain, quiesce and state together, once more for each plugin that has to go back
                without the state gained since; None: by their rules, the longest, or the host's setting.
            reason: why, for the journal.

        Returns:
            The report, whose `set` is that of all where others went back with it; `is_lossy` says that the state gained
            since could not come along, because what serves did not come to rest or its state does not fit, and
            `lost_calls` how many calls that was.

        Raises:
            UnknownPlugin: nothing of that name. RollbackBlocked: it cannot be done, of one of them at least; all that
            serves, serves on. After commit also what `reload` raises.
        """
        self._check_control()
        loaded = self._loaded(name)
        limit = back_deadline_s(loaded, self.options, deadline_s)
        return self._changes.roll_back(loaded, asked("rollback", reason), limit)

    def commit(self, name: str) -> SwapReport:
        """End the probation of `name`: what serves is the last good from now on, and what was held for it leaves.

        So it is for all plugins that would go back together with it.

        What is not on probation stays as it is.

        Raises:
            UnknownPlugin: nothing of that name. Busy: another change went on until the deadline.
        """
        self._check_control()
        return self._changes.commit(self._loaded(name), None)

    def set_probation_rules(self, name: str, rules: Rules) -> None:
        """Judge the generations of `name` by `rules` from the next look on; the host's settings make the usual ones.

        See `hotgraft.Rules`: how long a window is, how much worse a generation may be, and which way the numbers get
        worse that are reported with `Plugin.report`.

        Raises:
            UnknownPlugin: nothing of that name is loaded. TypeError: `rules` are none.
        """
        if not isinstance(rules, Rules):
            raise TypeError(f"the rules of a probation are hotgraft.Rules, not {type(rules).__name__}")
        self._loaded(name)
        self._probations.set_rules(name, rules)

    def verdict(self, name: str) -> Verdict | None:
        """Return the newest verdict on what of `name` is, or was last, on probation; None: there is none."""
        return self._probations.verdict(name)

    def quarantined(self, name: str) -> tuple[QuarantinedImage, ...]:
        """Return the images of `name` that were rolled back and are not tried again, each with the reason."""
        return self._quarantine.images(name)

    def allow(self, name: str, *, reason: str = "") -> bool:
        """Let every image of `name` be tried again, and the plugin itself if it was rolled back too often.

        Returns:
            Whether anything was refused before.
        """
        self._check_control()
        was_refused = self._quarantine.allow(name)
        if was_refused:
            note_lifted(self._recorder, name, asked("allow", reason))
            self._recorder.tell_events()
        return was_refused

    def last_good(self, name: str) -> str | None:
        """Return the path of the newest committed image of `name` that is whole; None: there is none, or no journal."""
        return last_good_path(self._recorder, name)

    def restore_last_good(self, *names: str, images: Mapping[str, str | os.PathLike[str]] | None = None) -> None:
        """Load plugins that are not loaded from their newest committed images that are whole and come up.

        Args:
            names: which; none: all that the journal has a committed image of. Providers come first.
            images: by name, where it comes from next, at a reload or under watch; else where it came from before.

        Raises:
            JournalError: there is no journal, or no usable image of one. ValueError: that name is loaded.
        """
        self._check_control()
        sources = {name: image_of(image) for name, image in (images or {}).items()}
        load = partial(self._changes.load, goes_back=True)
        restore_last_good(self, self._recorder, names, sources, load=load, load_set=self._changes.load_set)
