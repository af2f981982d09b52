"""One session of `hotgraft dev`: build, swap, call, and say what came of it; nothing an author saves ends it."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import (
    BindError,
    BuildError,
    HotgraftError,
    ManifestError,
    PermissionRequired,
    RollbackBlocked,
    StateError,
)
from hotgraft.dev.calling import make_call, sample_call
from hotgraft.dev.said import Said
from hotgraft.dev.sources import changed_files, digest_of
from hotgraft.engine.build_image import build_image
from hotgraft.engine.stage import inspect_file
from hotgraft.engine.watch import age_s, content_of, facts_of
from hotgraft.host.loaded import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.dev.calling import Call
    from hotgraft.dev.pulse import Pulse
    from hotgraft.dev.sources import Sources
    from hotgraft.engine.build_image import Built, Way
    from hotgraft.host.host import Host
    from hotgraft.host.report import SwapReport

__all__ = ["Said", "Session"]

Answer = TypeVar("Answer")

STATE_WORDS: Final = {
    "fresh": "it has no state to carry",
    "hand over": "its state went on: the same memory changed hands",
    "converters": "its state went on: made anew by its author's converters",
    "convert": "its state went on: converted by the names of its fields",
    "share": "its state went on: both builds use the same memory",
    "convert shared": "its state went on: converted by the names of its fields",
    "restore": "its state went on: saved by the old build, restored by the new one",
}


@dataclass(slots=True)
class Session:
    """Thread safety: one thread.

    Invariants
      (1) What is swapped in was built from one state of the sources: they are the same before and after the compiler
          ran, or the build is thrown away and made again.
      (2) `images` are the files of what serves and of what served before it, the newest last.
    """

    folder: Path
    sources: Sources
    host: Host
    calls: tuple[Call, ...]
    keep: Path  # a folder for (2)
    say: Callable[[Said], None]
    pulse: Pulse | None = None  # of who looks after it, where somebody does
    way: Way = "compiler"
    is_colored: bool = False
    built: Mapping[str, str] | None = None  # the sources at the last build, good or bad
    images: list[Path] = field(default_factory=list)
    descriptor: Descriptor | None = None
    kept: int = 0
    is_unfinished: bool = False  # the last build was thrown away, so the image on disk is of no saved state

    @property
    def name(self) -> str | None:
        """Return the plugin's name, once one serves."""
        return next(iter(self.host), None)

    @property
    def running(self) -> str:
        """Return the sentence that says what runs now."""
        name = self.name
        return f"generation {self.host[name].generation} still serves" if name else "nothing serves yet"

    def answer(self, *, is_forced: bool = False) -> bool:
        """Build what the sources are now, swap it in and call it; unless they are as they were and it is not forced.

        Returns:
            False when the sources changed while they were built: ask again.
        """
        before = self.sources.contents()
        if before == self.built and not is_forced and not self.is_unfinished:
            return True
        changed = self._changed(before)
        self._say("changed", files=[self._short(path) for path in changed])
        if self.pulse is not None:
            self.pulse.build(digest_of(before))
        built, error, build_ms = self._build()
        self.is_unfinished = self.sources.contents() != before
        if self.is_unfinished:  # (1)
            self._say("changed_meanwhile")
            return False
        self.built = before
        if built is None:
            self._say("refused", stage="build", **self._words(error))
        else:
            image, warnings = self._short(str(built.image)), self._shorter(built.warnings)
            self._say("built", image=image, build_ms=build_ms, warnings=warnings)
            self._swap(built.image, is_forced=is_forced)
        self._call()
        ages_s = [age_s(facts) for path in changed if (facts := facts_of(path)) is not None]
        if ages_s:
            self._say("answered", after_ms=min(ages_s) * 1e3)
        return True

    def roll_back(self) -> None:
        """Swap back to the image that served before, by a new swap of its kept bytes."""
        if len(self.images) < 2:
            self._say("no_rollback", reason="there is no image before the one that serves")
            return
        before = self.images[-2]
        if self._swap(before, is_forced=True, event="rolled_back"):
            self._call()

    def show_state(self) -> None:
        """Show what the plugin would save now; where it offers no save, say what is known instead."""
        name = self.name
        if name is None or self.descriptor is None:
            self._say("state", words="nothing serves yet")
        elif self.descriptor.state.kind == "none":
            self._say("state", words="it declares none")
        elif not self.descriptor.state.save:
            self._say("state", words="it offers no save, so that its values cannot be shown; one block is handed over")
        else:
            try:
                with self._inside("save, for its state"):
                    values = self.host.saved_state(name)[MAIN]
            except HotgraftError as error:
                self._say("state", words=str(error))
                return
            self._say("state", words=f"{len(values)} values, as they would be saved now", values=values)

    def _changed(self, now: Mapping[str, str]) -> list[str]:
        """Return the sources that came, went or changed since the last build; none before the first."""
        return changed_files(now if self.built is None else self.built, now)

    def _build(self) -> tuple[Built | None, Exception | None, float]:
        began_s = time.monotonic()
        try:
            built = build_image(self.folder, way=self.way, is_colored=self.is_colored)
        except Exception as error:  # whatever an author's files do to bind or the compiler, the session goes on
            return None, error, 0.0
        return built, None, (time.monotonic() - began_s) * 1e3

    def _swap(self, image: Path, *, is_forced: bool, event: str = "swapped") -> bool:
        name = self.name
        content = content_of(str(image))
        if name is not None and not is_forced and self.images and content == content_of(str(self.images[-1])):
            self._say("same", words="the image is the one that serves, byte for byte")
            return False
        kept = self.keep / f"{self.kept + 1}-{image.name.split('-', 1)[-1]}"
        self.kept += 1
        try:
            shutil.copyfile(image, kept)  # the next build overwrites it, and a rollback wants it back
            if name is None:
                with self._inside("load"):
                    plugin = self._granting(lambda: self.host.load(kept))
                self._note(kept)
                sample = sample_call(self.descriptor) if self.descriptor is not None and not self.calls else ""
                facts = {"generation": plugin.generation, "version": plugin.version, "sample": sample}
                self._say("loaded", plugin=next(iter(self.host)), **facts)
                return True
            began_s = time.monotonic()
            with self._inside("reload"):
                report = self._granting(lambda: self._replace(name, kept, goes_back=event == "rolled_back"))
            swap_ms = (time.monotonic() - began_s) * 1e3
        except Exception as error:
            kept.unlink(missing_ok=True)
            self._say("refused", stage="swap", **self._words(error))
            return False
        self._note(kept)
        before = report.plan.version if report.plan is not None and report.plan.is_downgrade else ""
        self._say(event, report=report, state=_state_words(report), swap_ms=swap_ms, downgrade_from=before)
        return True

    def _replace(self, name: str, image: Path, *, goes_back: bool) -> SwapReport:
        """Going back may leave behind what the earlier build never knew; the host knows which image that is."""
        if goes_back:
            with contextlib.suppress(RollbackBlocked):  # it is not kept: then as any other image
                return self.host.rollback(name)
        return self.host.reload(name, image, is_settled=True, allow_downgrade=True)  # an author edits versions too

    def _granting(self, work: Callable[[], Answer]) -> Answer:
        """Do it; what it asks for is granted: who runs this has just written it into plugin.toml."""
        try:
            return work()
        except PermissionRequired as error:
            self.host.grant(error.on, *error.permissions, reason="in development")
            return work()

    def _note(self, kept: Path) -> None:
        self.images.append(kept)
        self.descriptor, _ = inspect_file(str(kept), settle_deadline_s=1.0)
        for old in self.images[:-2]:
            old.unlink(missing_ok=True)
        del self.images[:-2]

    def _call(self) -> None:
        name = self.name
        if name is None or self.descriptor is None:
            return
        plugin = self.host[name]
        for call in self.calls:
            began_s = time.monotonic()
            try:
                with self._inside(f"call {call.text}"):
                    result = make_call(plugin, self.descriptor, call)
            except Exception as error:
                self._say("call_failed", call=call.text, error=f"{type(error).__name__}: {error}")
                continue
            call_us = (time.monotonic() - began_s) * 1e6
            self._say("called", call=call.text, result=result, generation=plugin.generation, call_us=call_us)

    def _inside(self, what: str) -> AbstractContextManager[None]:
        """Say that the plugin's code runs from here on: should it not come back, what it was doing is known."""
        return contextlib.nullcontext() if self.pulse is None else self.pulse.inside(what)

    def _words(self, error: Exception | None) -> dict[str, Any]:
        """Return an error as facts; a compiler's own text stays as it drew it."""
        if isinstance(error, BuildError):
            advice = f"\n  to do: {error.advice}" if error.advice and not error.output else ""  # else it is said there
            return {
                "reason": f"could not {error.tried}" + "".join(f": {one}" for one in error.found) + advice,
                "output": self._shorter(error.output),
                "running": self.running,
            }
        if isinstance(error, HotgraftError):
            if isinstance(error, ManifestError | BindError):
                error.running = self.running
            if isinstance(error, StateError):
                error.advice += "; or quit and begin again, with a state that begins anew"
            return {"reason": self._shorter(str(error)), "output": "", "running": self.running}
        return {"reason": f"{type(error).__name__}: {error}", "output": "", "running": self.running}

    def _short(self, path: str) -> str:
        return path.removeprefix(f"{self.folder}/")

    def _shorter(self, text: str) -> str:
        return text.replace(f"{self.folder}/", "")

    def _say(self, event: str, **facts: Any) -> None:
        self.say(Said(event, facts))


def _state_words(report: SwapReport) -> str:
    crossing = report.plan.crossing if report.plan is not None else None
    return STATE_WORDS[str(crossing)] if crossing is not None else ""
