"""What every error of this package carries and says; the classes themselves are in errors.py."""

from __future__ import annotations

import copyreg
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HotgraftError"]


class HotgraftError(Exception):
    """Base class of every error this package raises on purpose.

    Args:
        tried: what was tried, to be read after "could not": ``"load generation 4"``.
        on: plugin, file or function it was tried on.
        found: every reason, one sentence each without a full stop; a single string is one reason.
        advice: what the reader can do about it.
        running: what serves now: ``"generation 3 still serves"``.
    """

    usual_advice: ClassVar[str] = ""
    usually_running: ClassVar[str] = ""

    def __init__(
        self,
        tried: str,
        *,
        on: str = "",
        found: str | Iterable[str] = (),
        advice: str = "",
        running: str = "",
    ) -> None:
        super().__init__(tried)
        self.tried = tried
        self.on = str(on)
        self.found: tuple[str, ...] = (found,) if isinstance(found, str) else tuple(found)
        self.advice = advice or self.usual_advice
        self.running = running or self.usually_running

    def __str__(self) -> str:
        head = f"{self.on}: could not {self.tried}" if self.on else f"could not {self.tried}"
        if len(self.found) == 1:
            head += f": {self.found[0]}"
        if self.running:
            head += f"; {self.running}"
        lines = [head]
        if len(self.found) > 1:
            lines += [f"  - {reason}" for reason in self.found]
        if self.advice:
            lines.append(f"  to do: {self.advice}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # Past __init__: keyword-only arguments do not fit BaseException's own way, which calls cls(*args).
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined] # not in typeshed
