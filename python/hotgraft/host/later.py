"""A change that is asked for from inside a plugin's function.

It would wait for itself, so it goes on by itself.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from hotgraft import _core

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_deferred", "run_later"]

Answer = TypeVar("Answer")


def is_deferred() -> bool:
    """Tell whether this thread is inside a plugin's function."""
    return _core.is_inside_call()


def run_later(work: Callable[[], Answer]) -> Future[Answer]:
    """Run `work` on a thread of its own that ends with it.

    It waits there until the call in progress is over.
    """
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="hotgraft deferred swap", daemon=True).start()
    return future
