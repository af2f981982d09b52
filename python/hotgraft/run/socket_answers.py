"""What a running host answers to who asks over its socket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import PermissionRequired
from hotgraft.core.set_plan import plan_as_dict
from hotgraft.engine.journal_asked import acting_for
from hotgraft.run.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft.core.wire import Request
    from hotgraft.engine.socket_place import Peer
    from hotgraft.host.host import Host

__all__ = ["SocketAnswers"]


class SocketAnswers:
    """The answers of one host.

    Args:
        host: the one that is asked.
        allow_paths: a reload may name an image that the host does not know.

    Thread safety: any thread.
    """

    def __init__(self, host: Host, *, allow_paths: bool) -> None:
        self._host = host
        self._allow_paths = allow_paths
        self._rates = Rates()

    def answer(self, request: Request, peer: Peer) -> dict[str, Any]:
        """Do what is asked, on record as the wish of who asks.

        Raises:
            HotgraftError, ValueError: it is refused or failed, as the host's own method would say.
        """
        with acting_for(peer.pid, peer.uid):
            return _ANSWERS[request.ask](self, request)

    def _status(self, _: Request) -> dict[str, Any]:
        status = self._host.status()
        rates = self._rates.look(status)
        told = status.as_dict()
        for one, rate in zip(told["plugins"], rates, strict=True):
            one["calls_per_s"] = round(rate, 1)
        return {"pid": os.getpid(), **told}

    def _reload(self, request: Request) -> dict[str, Any]:
        common: dict[str, Any] = {"allow_downgrade": request.allow_downgrade, "reason": request.reason}
        if request.version or request.digest:
            report = self._host.reload_known(request.plugin, version=request.version, digest=request.digest, **common)
        else:
            report = self._host.reload(request.plugin, self._allowed(request), **common)
        return {"report": report.as_dict(), "words": str(report)}

    def _rollback(self, request: Request) -> dict[str, Any]:
        report = self._host.rollback(request.plugin, reason=request.reason)
        return {"report": report.as_dict(), "words": str(report)}

    def _plan(self, request: Request) -> dict[str, Any]:
        image = self._allowed(request)
        if request.version or request.digest:
            image = self._host.known_image(request.plugin, version=request.version, digest=request.digest).path
        plan = self._host.plan(request.plugin, image, allow_downgrade=request.allow_downgrade)
        return {"plan": plan_as_dict(plan[request.plugin]), "set": plan.as_dict(), "words": str(plan)}

    def _allowed(self, request: Request) -> str | None:
        """Return the path that is named; None: where the plugin is loaded from."""
        if request.path and not self._allow_paths:
            raise PermissionRequired(
                f"{request.ask} from a path",
                on=request.plugin,
                found=f"{request.path}: this host takes no path from its socket",
                advice="name a version or a digest that it knows; or start it with --allow-paths",
                running="what served before serves on",
            )
        return request.path or None


_ANSWERS: Final[dict[str, Callable[[SocketAnswers, Request], dict[str, Any]]]] = {
    "status": SocketAnswers._status,
    "reload": SocketAnswers._reload,
    "rollback": SocketAnswers._rollback,
    "plan": SocketAnswers._plan,
}
