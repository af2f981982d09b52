"""Try an image in a process of its own without a host: for a tool that decides whether a build may go out."""

from __future__ import annotations

import tempfile
import time
from typing import TYPE_CHECKING

from hotgraft.core.probing import judge, read_told
from hotgraft.engine.config import filled_configs
from hotgraft.engine.probe import run_helper
from hotgraft.engine.probe_request import LibraryToProbe, request_bytes
from hotgraft.engine.stage import StagingPlace, stage_candidate
from hotgraft.engine.timing import Stopwatch

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.errors import HotgraftError
    from hotgraft.core.options import Options
    from hotgraft.core.probing import ProbeReport

__all__ = ["probe_image"]


def probe_image(
    path: Path, *, plugin: str, config_json: str, options: Options
) -> tuple[ProbeReport, HotgraftError | None]:
    """Bring one instance up and down again, with fresh state and without providers.

    Return what was seen, and what speaks against it, if anything.

    Raises:
        ImageError: it is refused by what its file says. ConfigError: the config breaks its schema. ResourceError,
            LoadError: there was no probe.
    """
    with tempfile.TemporaryDirectory(prefix="hotgraft-check-") as folder:
        place = StagingPlace(folder=folder, settle_deadline_s=options.settle_deadline_s)
        watch = Stopwatch(time.monotonic_ns)
        candidate = stage_candidate(str(path.absolute()), plugin, 1, place=place, watch=watch)
        try:
            own = LibraryToProbe(
                plugin=plugin,
                generation=candidate.generation,
                source=str(path.absolute()),
                side=candidate.side,
                configs=filled_configs(plugin, candidate.descriptor.config_schema, {"main": config_json}),
                imports={},
                states={},
            )
            request = request_bytes(
                [own],
                reach=options.probe,
                memory_bytes=options.probe_memory_bytes,
                stage_deadline_s=options.probe_deadline_s,
            )
            ran = run_helper(request, stage_deadline_s=options.probe_deadline_s)
            return judge(read_told(ran.text), ran.ending, label=candidate.generation.label, plugin=plugin)
        finally:
            candidate.generation.reject()
