"""A snapshot of another schema: the authors' converters bring it to the version that is loaded, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, SnapshotError, StateError
from hotgraft.engine.snapshot_folder import snapshot_paths
from sample_plugins import CONVERTS, SAVES, Sample, Workshop
from test_converter_chains import multiply, steps_to, version

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["off", pytest.param("start", marks=pytest.mark.full)])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Of a host that takes no snapshot of its own accord; with a probe and without."""
    return {"snapshots": tmp_path / "kept", "snapshot_at_close": False, "probe": request.param}


def save(options: dict[str, Any], image: Path, count: int) -> Path:
    """Let a host count that far and keep it; return where."""
    with Host(**options) as host:
        host.load(image).add(count)
        return host.snapshot().taken["counter"].path


@pytest.mark.full
def test_converters_of_the_version_that_is_loaded_bring_it_up(options: dict[str, Any], build: Workshop) -> None:
    """As in a swap: the chain is the candidate's own."""
    save(options, build(version(SAVES, 1)), 7)
    with Host(**options) as host:
        assert host.load(build(version(SAVES, 3, converters=steps_to(3)))).add(0) == 700


@pytest.mark.parametrize(
    "plain", [pytest.param(SAVES, id="saved"), pytest.param(CONVERTS, id="block", marks=pytest.mark.full)]
)
@pytest.mark.parametrize(("before", "after", "count"), [(1, 3, 700), (3, 1, 7)], ids=["up", "down"])
def test_converters_of_the_program_bring_it_either_way(
    options: dict[str, Any], build: Workshop, plain: Sample, before: int, after: int, count: int
) -> None:
    """For saved values and for a block whose layout is known from the file alone."""
    save(options, build(version(plain, before)), 7 if after > before else 700)
    with Host(**options) as host:
        for schema in (1, 2):
            multiply(host, schema, schema + 1, 10)
            multiply(host, schema + 1, schema, 0.1)
        counter: Any = host.load(build(version(plain, after)))
        assert (counter.build(), counter.add(0)) == (after, count)


def test_a_way_that_only_the_library_of_then_knows_is_refused(options: dict[str, Any], build: Workshop) -> None:
    """Its author said that the meaning changed: names are no way around that, and the library is not here."""
    path = save(options, build(version(SAVES, 2, converters=steps_to(2))), 70)
    with Host(**options) as host:
        with pytest.raises(SnapshotError, match=r"converter 2→1 .* is in a library that is not loaded") as caught:
            host.load(build(version(SAVES, 1)))
        assert path.name in str(caught.value)
        multiply(host, 2, 1, 0.1)
        assert host.load(build(version(SAVES, 1))).add(0) == 7


def test_a_converter_that_fails_leaves_the_snapshot_and_nothing_loaded(
    options: dict[str, Any], build: Workshop
) -> None:
    """Mended, it can be tried again."""
    path = save(options, build(version(SAVES, 1)), 7)
    before = path.read_bytes()
    with Host(**options) as host:

        @host.converter("counter", from_schema=1, to_schema=2)
        def wrong(values: dict[str, Any]) -> dict[str, Any]:
            raise RuntimeError(f"no way from {sorted(values)}")

        with pytest.raises(StateError, match=r"RuntimeError: no way from \['count'\]") as caught:
            host.load(build(version(SAVES, 2)))
        assert caught.value.found[-1] == f"it was to go on from {path.name}"
        assert "counter" not in host
        host.remove_converter("counter", from_schema=1, to_schema=2)
        multiply(host, 1, 2, 10)
        assert host.load(build(version(SAVES, 2))).add(0) == 70
    assert snapshot_paths(path.parent)["counter"] == (path,)
    assert path.read_bytes() == before
