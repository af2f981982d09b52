"""What a `Host` offers to who operates it: what serves now, and a reload by version or content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.semver import Version
from hotgraft.engine.journal_asked import asked
from hotgraft.host.draining import swap_deadline_s
from hotgraft.host.known_images import choose_image
from hotgraft.host.status import read_status
from hotgraft.host.wish import Wish

if TYPE_CHECKING:
    from hotgraft.core.options import Options
    from hotgraft.host.changing import Changes
    from hotgraft.host.journal import Recorder
    from hotgraft.host.known_images import KnownImage
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport
    from hotgraft.host.status import HostStatus

__all__ = ["HostOperations"]

DIGEST_LEAST = 8  # hexadecimal digits
DIGEST_MOST = 64


class HostOperations:
    """A part of `Host`; see there for threads, interrupts and forks."""

    options: Options
    _changes: Changes
    _recorder: Recorder

    if TYPE_CHECKING:

        def _check_control(self) -> None: ...
        def _loaded(self, name: str) -> Loaded: ...
        def _listed(self) -> tuple[Loaded, ...]: ...

    def status(self) -> HostStatus:
        """Return what serves now: versions, generations, counts, and what keeps old generations in memory."""
        return read_status(self._listed())

    def known_image(self, name: str, *, version: str = "", digest: str = "") -> KnownImage:
        """Return the image that `reload_known` would take; nothing is changed.

        Raises: as `reload_known`.
        """
        if bool(version) == bool(digest):
            raise ValueError("say which image by its version or by its digest, one of them")
        if version:
            Version.parse(version)
        elif not (DIGEST_LEAST <= len(digest) <= DIGEST_MOST and set(digest.lower()) <= set("0123456789abcdef")):
            raise ValueError(f"{digest!r} is no SHA-256: {DIGEST_LEAST} to {DIGEST_MOST} hexadecimal digits")
        deadline_s = self.options.settle_deadline_s
        return choose_image(
            self._loaded(name), self._recorder, version=version, digest=digest.lower(), settle_deadline_s=deadline_s
        )

    def reload_known(
        self,
        name: str,
        *,
        version: str = "",
        digest: str = "",
        deadline_s: float | None = None,
        allow_downgrade: bool = False,
        reason: str = "",
    ) -> SwapReport:
        """Replace `name` by an image that the host knows: what lies where it is loaded from, or the journal keeps.

        Args:
            name: a loaded plugin.
            version: exactly that version.
            digest: the SHA-256 of the image's bytes, or 8 hexadecimal digits of its beginning or more.
            deadline_s, allow_downgrade, reason: as for `reload`.

        Raises:
            ValueError: neither or both are said, or it is no version or digest. ContractError: no known image is that
            one; each that was looked at is named. And as `reload`.
        """
        self._check_control()
        image = self.known_image(name, version=version, digest=digest)
        loaded = self._loaded(name)
        wish = Wish(
            asked=asked("reload", reason),
            deadline_s=swap_deadline_s(loaded, self.options, deadline_s),
            source=image.path,
            key=(image.sha256, None, allow_downgrade),
            allow_downgrade=allow_downgrade,
            keeps_source=image.is_kept,
            sha256=image.sha256,
        )
        return self._changes.swap(loaded, wish)
