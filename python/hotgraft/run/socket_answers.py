"""What a running host answers to who asks over its socket."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import PermissionRequired
from hotgraft.core.set_picture import set_dot, set_mermaid
from hotgraft.core.set_plan import plan_as_dict
from hotgraft.engine.journal_asked import acting_for
from hotgraft.run.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotgraft.core.set_plan import SetPlan
    from hotgraft.core.wire import Request
    from hotgraft.engine.socket_place import Peer
    from hotgraft.host.host import Host
    from hotgraft.host.report import SwapReport
    from hotgraft.host.report_set import SetReport

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
        report: SwapReport | SetReport
        if request.images:
            report = self._host.reload_set(self._allowed_of_many(request), **common)
        elif request.version or request.digest:
            report = self._host.reload_known(request.plugin, version=request.version, digest=request.digest, **common)
        else:
            report = self._host.reload(request.plugin, self._allowed(request), **common)
        return {"report": report.as_dict(), "words": str(report)}

    def _rollback(self, request: Request) -> dict[str, Any]:
        report = self._host.rollback(request.plugin, reason=request.reason)
        return {"report": report.as_dict(), "words": str(report)}

    def _plan(self, request: Request) -> dict[str, Any]:
        if request.images:
            plan = self._host.plan(self._allowed_of_many(request), allow_downgrade=request.allow_downgrade)
            return {"set": plan.as_dict(), "words": _drawn(plan, request.format)}
        image = self._allowed(request)
        if request.version or request.digest:
            image = self._host.known_image(request.plugin, version=request.version, digest=request.digest).path
        plan = self._host.plan(request.plugin, image, allow_downgrade=request.allow_downgrade)
        own = plan_as_dict(plan[request.plugin])
        return {"plan": own, "set": plan.as_dict(), "words": _drawn(plan, request.format)}

    def _allowed(self, request: Request) -> str | None:
        """Return the path that is named; None: where the plugin is loaded from."""
        self._check_paths(request, {request.plugin: request.path} if request.path else {})
        return request.path or None

    def _allowed_of_many(self, request: Request) -> dict[str, str | None]:
        """Return the path of each plugin's image; None: where it is loaded from."""
        self._check_paths(request, request.paths)
        return request.images

    def _check_paths(self, request: Request, paths: Mapping[str, str]) -> None:
        """Refuse paths where they are not allowed, each with its plugin."""
        if paths and not self._allow_paths:
            raise PermissionRequired(
                f"{request.ask} from a path",
                on=", ".join(paths),
                found=[f"{path}: this host takes no path from its socket" for path in paths.values()],
                advice="name a version or a digest that it knows; or start it with --allow-paths",
                running="what served before serves on",
            )


_ANSWERS: Final[dict[str, Callable[[SocketAnswers, Request], dict[str, Any]]]] = {
    "status": SocketAnswers._status,
    "reload": SocketAnswers._reload,
    "rollback": SocketAnswers._rollback,
    "plan": SocketAnswers._plan,
}


def _drawn(plan: SetPlan, form: str) -> str:
    """Return a plan in the form that is asked for."""
    return set_mermaid(plan) if form == "mermaid" else set_dot(plan) if form == "dot" else str(plan)
