"""What a host asks of the process for crashes: a report on stderr, and for development the way back out of one.

The handlers stay to the end of the process, whichever host asked for them: a handler that another library installed
since leads to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core

if TYPE_CHECKING:
    from hotgraft.core.options import Options

__all__ = ["handle_crashes"]

STDERR_FD = 2


def handle_crashes(options: Options) -> None:
    """Do what the options say of crashes.

    Raises:
        ResourceError: the system gave no handlers.
    """
    if options.crash_report or options.catch_crashes:
        _core.handle_crashes()
    if options.crash_report:
        _core.report_crashes_to(STDERR_FD)
