"""The tiers: one switch, HOTGRAFT_TIER, decides which tests run and how large their N is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import hotgraft
import pytest
from sample_plugins import SHARED_FOLDER, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIERS = ("quick", "full", "soak")
HANG_S = 1.0  # until a stage of a probe that hangs is given up; every other one has long returned by then


def current_tier() -> str:
    """Return the tier asked for by HOTGRAFT_TIER; *quick* unless said."""
    tier = os.environ.get("HOTGRAFT_TIER", "quick")
    if tier not in TIERS:
        raise pytest.UsageError(f"HOTGRAFT_TIER is {tier!r}; known tiers: {', '.join(TIERS)}")
    return tier


class Sized(Protocol):
    """Pick the N of a test by tier."""

    def __call__(self, *, quick: int, full: int, soak: int | None = None) -> int: ...


@pytest.fixture
def tier() -> str:
    """The tier this run is in."""
    return current_tier()


@pytest.fixture
def sized(tier: str) -> Sized:
    """A function that answers the number for the tier this run is in; a soak without its own takes the full one."""

    def pick(*, quick: int, full: int, soak: int | None = None) -> int:
        return {"quick": quick, "full": full, "soak": full if soak is None else soak}[tier]

    return pick


@pytest.fixture(scope="session", autouse=True)
def build(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Compiles sample plugins, each variant once for all workers of a run and the programs they start."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "samples"
    folder.mkdir(exist_ok=True)
    os.environ[SHARED_FOLDER] = str(folder)
    return Workshop(folder)


@pytest.fixture
def host() -> Iterator[hotgraft.Host]:
    """A host that is closed, drained and unloaded when the test is over."""
    with hotgraft.Host() as made:
        yield made


@pytest.fixture
def unprobed() -> Iterator[hotgraft.Host]:
    """The same, without a probe: what a candidate does wrong, it does in this process."""
    with hotgraft.Host(probe="off") as made:
        yield made


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """The folder of staged copies."""
    return tmp_path / "staged"


@pytest.fixture
def probing(staged: Path) -> Iterator[hotgraft.Host]:
    """A host whose staged copies can be looked at, and whose probe is soon tired of waiting."""
    with hotgraft.Host(staging_folder=str(staged), probe_deadline_s=HANG_S) as host:
        yield host


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait, for a file to settle or a deadline to pass."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of a higher tier than asked for; deselect, so that a skip always means something is missing.

    Those whose N grows with the tier are marked `larger`.
    """
    for item in items:
        if "tier" in getattr(item, "fixturenames", ()):
            item.add_marker("larger")
    rank = TIERS.index(current_tier())
    kept = [item for item in items if _rank(item) <= rank]
    dropped = [item for item in items if _rank(item) > rank]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("control"):
        return TIERS.index("full")  # .ci/controls.py runs them, and sees that none is missing
    return max((TIERS.index(name) for name in ("full", "soak") if item.get_closest_marker(name)), default=0)
