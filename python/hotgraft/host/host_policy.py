"""What a `Host` offers about what plugins ask of it and programs ask of them: permissions and features, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.engine.journal_asked import asked
from hotgraft.host.change import carry_out
from hotgraft.host.grants import note_grants
from hotgraft.host.relying import rely_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotgraft.core.options import Options
    from hotgraft.engine.journal_asked import Asked
    from hotgraft.host.grants import Grants
    from hotgraft.host.journal import Recorder
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.watches import Watches

__all__ = ["HostPolicy"]


class HostPolicy:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _grants: Grants
    _recorder: Recorder
    _watches: Watches

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...

    def grants(self, name: str) -> tuple[str, ...]:
        """Return what is granted to `name`, loaded or not, by the alphabet."""
        return tuple(sorted(self._grants.of(name)))

    def grant(self, name: str, *permissions: str, reason: str = "") -> tuple[str, ...]:
        """Let versions of `name` in that ask for these permissions, from the next attempt on.

        Policy, not a boundary: nothing watches over what a version does once it is loaded. A watch tries an image again
        that it was refused for want of a grant. What is granted here is on record and ends with the host: what is to
        last stands in ``Host(grants=...)`` or ``hotgraft.toml``.

        Args:
            name: of a plugin, loaded or not.
            permissions: any names of the form that a manifest may ask for; what nobody asks for does no harm.
            reason: why, for the journal.

        Returns:
            What was not granted before.

        Raises:
            ValueError, TypeError: one is no name of a permission; nothing was granted. HostClosed.
        """
        self._check_control()
        return self._grant(name, permissions, asked("grant", reason))

    def _grant(self, name: str, permissions: Iterable[str], who: Asked) -> tuple[str, ...]:
        fresh = self._grants.add(name, permissions)
        note_grants(self._recorder, name, fresh, who, "granted")
        if fresh:
            self._watches.granted(name)
        return fresh

    def revoke(self, name: str, *permissions: str, reason: str = "") -> tuple[str, ...]:
        """Take grants back: the next candidate of `name` that asks for one is refused, a new config's swap included.

        What serves serves on, and what is held may be rolled back to: both were let in.

        Returns:
            What was granted before.

        Raises:
            ValueError, TypeError: one is no name of a permission; nothing was taken back. HostClosed.
        """
        self._check_control()
        who = asked("revoke", reason)
        gone = self._grants.remove(name, permissions)
        note_grants(self._recorder, name, gone, who, "revoked")
        return gone

    def rely_on(self, name: str, *, features: Iterable[str]) -> None:
        """Say which features of `name` this program uses, from now on: a candidate that drops one is refused.

        Said once more it replaces what was said before; none: the program relies on none. Plugins say it in their
        manifests.

        Raises:
            UnknownPlugin: nothing of that name. ContractError: what serves, or what a rollback would go back to, lacks
            one; what was said before stands. Busy: another change went on until the deadline.
        """
        self._check_control()
        loaded, used = self._loaded(name), frozenset(features)
        carry_out(lambda: rely_on(loaded, used, self.options.swap_deadline_s))
