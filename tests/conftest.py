"""The tiers: one switch, HOTGRAFT_TIER, decides which tests run and how large their N is."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import hotgraft
import pytest
from kept_images import KEPT
from sample_plugins import SHARED_FOLDER, Workshop
from scratch import keep_in_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

# A run is many processes: what one has compiled the next reads, also where the environment says to keep no bytecode.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

TIERS = ("quick", "full", "soak")
HANG_S = 1.0  # until a stage of a probe that hangs is given up


EXAMPLES = {"quick": 25, "full": 100, "soak": 1000}  # of each property that does not say how many itself


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


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share; who makes something in it takes turns (`one_at_a_time`)."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session", autouse=True)
def build() -> Workshop:
    """Compiles sample plugins, each variant once for all workers and the programs they start."""
    os.environ[SHARED_FOLDER] = str(KEPT)
    return Workshop(KEPT)


@pytest.fixture(scope="session", autouse=True)
def own_sockets() -> Iterator[None]:
    """Hosts of this run are found by nobody else, and find nobody else's; a short path, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="hotgraft-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


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
    """A host whose staged copies can be looked at."""
    with hotgraft.Host(staging_folder=str(staged)) as host:
        yield host


@pytest.fixture
def tired(staged: Path) -> Iterator[hotgraft.Host]:
    """The same, whose probe is soon tired of waiting: for what hangs alone, as a busy machine is slow in all else."""
    with hotgraft.Host(staging_folder=str(staged), probe_deadline_s=HANG_S) as host:
        yield host


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: a third of the time a test waits, for a file to settle or a deadline."""
    return (os.cpu_count() or 1) + 2


def pytest_configure() -> None:
    """Let the number of examples grow with the tier, and keep what is temporary where that tier can."""
    if current_tier() == "quick":
        keep_in_memory()
    import hypothesis  # not above: its hundred modules are rewritten too, and kept from here on

    for name, count in EXAMPLES.items():
        hypothesis.settings.register_profile(name, max_examples=count, deadline=None)
    hypothesis.settings.load_profile(current_tier())


def pytest_collection(session: pytest.Session) -> None:
    """Import a share of the tests first, in a worker: each file's asserts are rewritten by one of them, not by all."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    gc.disable()  # what is collected stays, and the collector would look at it again and again; on again with `_freeze`
    folders = [Path(name) for name in session.config.args if Path(name).is_dir()]
    files = sorted(path for folder in folders for path in folder.rglob("test_*.py"))
    for path in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        with contextlib.suppress(Exception, pytest.skip.Exception):  # told when it is collected
            importlib.import_module(path.stem)


def _freeze() -> None:
    """Take what is there out of the garbage collector's sight: many a test asks it, and waits while it looks."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_collection_finish() -> None:
    """Freeze what was collected."""
    _freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Freeze what a file leaves behind, reports and caches: by the thousandth test a look would take 50 ms."""
    result = yield
    if nextitem is None or nextitem.path != item.path:
        _freeze()
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)  # marks before -m looks at them, the order of what -m left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Leave out tests of a higher tier than asked for; deselect, so that a skip always means something is missing.

    Those whose N grows with the tier are marked `larger`, properties among them.
    """
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property or "tier" in getattr(item, "fixturenames", ()):
            item.add_marker("larger")
    rank = TIERS.index(current_tier())
    kept = [item for item in items if _rank(item) <= rank]
    dropped = [item for item in items if _rank(item) > rank]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
    yield
    if current_tier() != "quick":
        items[:] = longest_first(items, _workers(config))


def _workers(config: pytest.Config) -> int:
    """Return among how many processes the items are dealt out."""
    count: int = getattr(config, "workerinput", {}).get("workercount", 1)
    return count


def longest_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Begin with what may take longest: a run is over when the last test is, and minutes are not to be spent alone.

    What may take longer than others says so itself, by a timeout of its own. xdist deals the list out in as many blocks
    as there are workers; each block begins with its share. The rest keeps its order, for what files share.
    """
    timeouts = {id(item): one.args[0] for item in items if (one := item.get_closest_marker("timeout")) and one.args}
    slow = sorted((item for item in items if id(item) in timeouts), key=lambda item: -timeouts[id(item)])
    rest = [item for item in items if id(item) not in timeouts]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = slow[worker::workers]
        size = (len(items) - len(ordered)) // (workers - worker)  # as xdist's worksteal does
        more = max(0, size - len(share))
        ordered += [*share, *rest[:more]]
        del rest[:more]
    return [*ordered, *rest]


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("control"):
        return TIERS.index("full")  # .ci/controls.py runs them, and sees that none is missing
    return max((TIERS.index(name) for name in ("full", "soak") if item.get_closest_marker(name)), default=0)
