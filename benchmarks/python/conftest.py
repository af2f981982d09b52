"""The Python-level suite, for what pytest-benchmark does best: groups side by side, runs compared, JSON.

    pytest benchmarks --benchmark-group-by=group --benchmark-json=now.json
    pytest benchmarks --benchmark-compare

It judges nothing: limits are judged by `hotgraft bench`, on interleaved samples beside an A/A pair.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import hotgraft
import pytest
from hotgraft.engine.build import build_plugin

from benchmarks.python.subjects import Subjects, nanobind_root
from benchmarks.python.worker import MODULES, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLUGINS = Path(hotgraft.__path__[0]) / "plugins_c"


class Benchmark(Protocol):
    """What the suite uses of pytest-benchmark's fixture."""

    group: str
    extra_info: dict[str, Any]

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any: ...

    def pedantic(
        self, target: Callable[..., Any], *, setup: Callable[[], Any] | None = None, rounds: int = 1
    ) -> Any: ...


@pytest.fixture(scope="session")
def subjects() -> Subjects:
    """What is built, for this interpreter."""
    return Subjects(sys.executable)


@pytest.fixture
def host() -> Iterator[hotgraft.Host]:
    """A host that is closed when the benchmark is over."""
    with hotgraft.Host() as made:
        yield made


@pytest.fixture(scope="session")
def called(subjects: Subjects) -> Iterator[dict[str, Any]]:
    """Everything a statement may call, by its name in the statement."""
    names = [name for name in MODULES if name != "nano" or nanobind_root() is not None]
    for name in names:
        subjects.need(name)
    sys.path.insert(0, str(subjects.folder))
    importlib.invalidate_caches()
    with hotgraft.Host() as made:
        plugin = made.load(subjects.plugin)
        yield {"plugin": plugin, **{name: subject(name, plugin) for name in names}}
    sys.path.remove(str(subjects.folder))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two builds of `template` (no state) and of `counter` (state that is handed over), by name and version."""
    made = {}
    for name in ("template", "counter"):
        for version in ("v1", "v2"):
            folder = shutil.copytree(PLUGINS / name / version, tmp_path_factory.mktemp(f"{name}-{version}") / "source")
            made[f"{name} {version}"] = build_plugin(folder)
    return made
