"""Where the meaning of state changed, its author's converters carry it over: in C and in Python, up and back."""

from __future__ import annotations

import gc
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, _core
from hotgraft.core import state
from hotgraft.core.errors import StateError
from hotgraft.engine.build import build_plugin
from sample_plugins import CONVERTS, SAVES, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCENE = Path(__file__).parent / "plugins" / "scene"
# Each schema counts in a tenth of the unit before it: 7 of schema 1 are 7000 of schema 4.
UP = tuple((schema, schema + 1, "tenfold") for schema in (1, 2, 3))
DOWN = tuple((schema + 1, schema, "tenth") for schema in (1, 2, 3))


@pytest.fixture(params=["not probed", pytest.param("probed", marks=pytest.mark.full)])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(probe="start" if request.param == "probed" else "off", probation="on", probation_s=3600.0) as it:
        yield it


def version(plain: Sample, schema: int, **changes: Any) -> Sample:
    """Return the version of a counter that has this schema; a block has as many numbers as its schema says."""
    return replace(plain, version=f"1.{schema}.0", schema=schema, build=schema, **changes)


def steps_to(schema: int) -> tuple[tuple[int, int, str], ...]:
    """Return what a version brings along: every step below its schema, up and down."""
    return tuple(one for one in (*UP, *DOWN) if max(one[:2]) <= schema)


def multiply(host: Host, before: int, after: int, by: float) -> Callable[..., Any]:
    """Offer a step that does to the count what the C ones do, and makes every field that a block of `after` has."""

    @host.converter("counter", from_schema=before, to_schema=after)
    def scale(values: dict[str, Any]) -> dict[str, Any]:
        spare = {f"spare{index}": 0 for index in range(1, after)} if "spare" in "".join(values) or after > 1 else {}
        return {"count": int(values["count"] * by), **spare}

    return scale


@pytest.mark.parametrize("step", [1, 3], ids=["one by one", "all at once"])
def test_a_chain_in_c_carries_the_state_up_and_back(host: Host, build: Workshop, step: int) -> None:
    """From schema 1 to 4 and back, over the converters that the newer side brings."""
    counter: Any = host.load(build(version(SAVES, 1)))
    counter.add(7)

    for schema in range(1 + step, 5, step):
        report: Any = host.reload("counter", build(version(SAVES, schema, converters=steps_to(schema))))
        assert str(report.plan.crossing) == "converters"
    assert counter.add(0) == 7000
    counter.add(1000)

    report = host.rollback("counter")

    assert not report.is_lossy
    assert counter.generation == 1  # none of those between was committed
    assert counter.add(0) == 8


@pytest.mark.parametrize("plain", [SAVES, CONVERTS], ids=["saved", "block"])
def test_a_chain_in_python_carries_the_state_up_and_back(host: Host, build: Workshop, plain: Sample) -> None:
    """The same form for what is saved and for a declared block."""
    for schema in (1, 2, 3):
        multiply(host, schema, schema + 1, 10)
        multiply(host, schema + 1, schema, 0.1)
    counter: Any = host.load(build(version(plain, 1)))
    counter.add(7)

    report: Any = host.reload("counter", build(version(plain, 4)))

    assert str(report.plan.chain).startswith("converter 1→2 (scale, test_converter_chains.py:")
    assert counter.add(0) == 7000
    assert any(one.step == "run converters main" for one in report.pause_steps)
    counter.add(1000)

    report = host.rollback("counter")

    assert not report.is_lossy
    assert counter.add(0) == 8


def test_c_and_python_make_one_chain(host: Host, build: Workshop) -> None:
    """A step that a library lacks is the program's to give, on the way up and on the way back."""
    multiply(host, 2, 3, 10)
    multiply(host, 3, 2, 0.1)
    counter: Any = host.load(build(version(SAVES, 1, converters=())))
    counter.add(7)
    own = tuple(one for one in steps_to(4) if set(one[:2]) != {2, 3})

    host.reload("counter", build(version(SAVES, 4, converters=own)))
    assert counter.add(0) == 7000

    host.rollback("counter")
    assert counter.add(0) == 7


@pytest.mark.parametrize(("old", "new"), [(CONVERTS, SAVES), (SAVES, CONVERTS)], ids=["to saved", "to block"])
@pytest.mark.parametrize("how", ["c", "python"])
def test_an_author_may_go_from_a_block_to_saved_values_and_back(
    host: Host, build: Workshop, old: Sample, new: Sample, how: str
) -> None:
    """Values are values: where they come from and where they go, no converter sees."""
    if how == "python":
        multiply(host, 1, 2, 10)
        multiply(host, 2, 1, 0.1)
    plain = replace(new, grows=False, layout=9) if new is CONVERTS else new
    own = steps_to(2) if how == "c" else ()
    counter: Any = host.load(build(version(old, 1)))
    counter.add(7)
    host.remove_converter("counter", from_schema=9, to_schema=8)  # none: nothing happens

    target = version(plain, 2, converters=own)
    if new is CONVERTS:  # a block of the count alone, as the C converters put nothing else
        target = replace(target, grows=True, build=1, version="1.2.0")
        if how == "python":
            host.converter("counter", from_schema=1, to_schema=2, replace=True)(lambda it: {"count": it["count"] * 10})
    host.reload("counter", build(target))

    assert counter.add(0) == 70
    assert not host.rollback("counter").is_lossy
    assert counter.add(0) == 7


def test_the_shortest_way_is_taken(host: Host, build: Workshop) -> None:
    """A step that skips a schema is there to be taken."""
    host.converter("counter", from_schema=1, to_schema=2)(lambda _: {"count": -1})
    counter: Any = host.load(build(version(SAVES, 1)))
    counter.add(7)

    host.reload("counter", build(version(SAVES, 3, converters=((2, 3, "tenfold"), (1, 3, "hundredfold")))))

    assert counter.add(0) == 700


def test_a_gap_is_refused_before_anything_moves(host: Host, build: Workshop) -> None:
    """Fault M05: every known converter and how far each side reaches; the same in the plan and in the swap."""
    counter: Any = host.load(build(version(SAVES, 1)))
    counter.add(7)
    candidate = build(version(SAVES, 4, converters=(UP[0], UP[2])))

    with pytest.raises(StateError) as refused:
        host.reload("counter", candidate)

    assert host.plan("counter", candidate).refusals == refused.value.found
    assert refused.value.found[0] == (
        "there is a gap in the converters up from schema 1 to 4: from 1 they lead to 2, and 3 leads to 4"
    )
    assert refused.value.report.pause_us == 0.0  # type: ignore[attr-defined] # of a swap's errors
    steps = refused.value.report.steps  # type: ignore[attr-defined] # of a swap's
    assert "create main" not in [one.step for one in steps]
    assert counter.add(0) == 7

    multiply(host, 2, 3, 10)
    host.reload("counter", candidate)
    assert counter.add(0) == 7000


@pytest.mark.control
def test_without_the_rule_about_gaps_half_a_chain_gives_a_wrong_number(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restore takes what it gets, and the count is a hundredth of what it should be; nobody is told."""
    monkeypatch.setattr(state, "between", lambda *_: ())
    with Host(probe="off") as host:
        counter: Any = host.load(build(version(SAVES, 1)))
        counter.add(7)

        host.reload("counter", build(version(SAVES, 3, converters=(UP[0],))))

        assert counter.add(0) == 7


def test_a_manifest_that_names_other_converters_than_the_library_offers_is_refused(host: Host, build: Workshop) -> None:
    """The plan is made from the claim; the claim is held against the table once it is mapped."""
    counter: Any = host.load(build(version(SAVES, 1)))
    counter.add(7)
    liar = version(SAVES, 2, converters=steps_to(2), named=((1, 2), (1, 3)))

    with pytest.raises(StateError, match="check its converters") as refused:
        host.reload("counter", build(liar))

    assert refused.value.found == (
        "converter 1→3 is named in [state] converters and not offered",
        "converter 2→1 is offered and not named in [state] converters",
    )
    assert counter.add(0) == 7


def test_every_instance_goes_over_the_chain(host: Host, build: Workshop) -> None:
    """A plugin's instances change as one."""
    multiply(host, 1, 2, 10)
    host.load(build(version(SAVES, 1)), instance="left")
    host.load("counter", instance="right")
    pair: list[Any] = [host["counter", one] for one in ("left", "right")]
    for value, one in enumerate(pair, start=1):
        one.add(value)

    host.reload("counter", build(version(SAVES, 2)))

    assert [one.add(0) for one in pair] == [10, 20]


@pytest.mark.full
def test_what_a_block_leads_to_goes_over_a_chain_as_lists(host: Host, tmp_path: Path) -> None:
    """Counted blocks, blocks that those lead to, and a union with a tag: read, changed, and made anew."""
    images = []
    for schema in (1, 2):
        folder = tmp_path / f"scene{schema}"
        shutil.copytree(SCENE, folder)
        header, manifest = folder / "scene.h", folder / "plugin.toml"
        header.write_text(header.read_text().replace("HOTGRAFT_STATE(1)", f"HOTGRAFT_STATE({schema})"))
        manifest.write_text(manifest.read_text().replace("1.0.0", f"1.{schema}.0"))
        images.append(build_plugin(folder, flags=("-O0", "-g0")))

    @host.converter("scene", from_schema=1, to_schema=2)
    def without_the_first(values: dict[str, Any]) -> dict[str, Any]:
        del values["count"], values["particles.room"], values["particles"][0]
        values["particles"][0]["tail"] += [{"x": 100.0}]
        del values["particles"][0]["tail_count"]
        return values | {"shape": {"ball": {"radius": 2.0}}, "kind": 1, "capacity": len(values["particles"])}

    host.converter("scene", from_schema=2, to_schema=1)(dict)
    scene: Any = host.load(images[0])
    for number in range(7):
        scene.add(number + 1, number % 3)
    scene.set_box(6, 7)

    report: Any = host.reload("scene", images[1])

    assert str(report.plan.crossing) == "converters"
    before = 28.0 + 2 + 3 * 2 + 5 + 6 * 2
    assert (scene.sum(), scene.area()) == (before - 1 + 100, -2.0)
    assert scene.add(50, 2) == 7
    assert not host.rollback("scene").is_lossy
    assert (scene.sum(), scene.area()) == (before - 1 + 100 + 150, -2.0)
    assert host.unloads(30.0).stuck == ()


@pytest.mark.parametrize(("plain", "how"), [(SAVES, "c"), (SAVES, "python"), (CONVERTS, "python")])
@pytest.mark.parametrize("probe", ["off", pytest.param("start", marks=pytest.mark.full)])
def test_a_snapshot_of_another_schema_goes_over_the_same_chain(
    build: Workshop, tmp_path: Path, probe: str, plain: Sample, how: str
) -> None:
    """A program that died with one version goes on with the next one, or with the one before."""
    one, two = version(plain, 1), version(plain, 2, converters=steps_to(2) if how == "c" else ())
    kept = tmp_path / "kept"

    def serve(sample: Sample, *, gained: int) -> int:
        with Host(probe=probe, snapshots=kept) as host:
            if how == "python":
                multiply(host, 1, 2, 10)
                multiply(host, 2, 1, 0.1)
            counter: Any = host.load(build(sample))
            counter.add(gained)
            host.snapshot()
            return int(counter.add(0))

    assert serve(one, gained=7) == 7
    assert serve(two, gained=10) == 80
    if how == "python":  # the version before brings no way back
        assert serve(one, gained=0) == 8


def test_a_converter_may_call_another_plugin(host: Host, build: Workshop) -> None:
    """The interpreter is everybody's: the swap's thread waits without it, and the other plugin answers."""
    host.load(build(SAVES), name="other")
    other: Any = host["other"]
    other.add(1000)
    host.converter("counter", from_schema=1, to_schema=2)(lambda it: {"count": it["count"] + other.add(0)})
    counter: Any = host.load(build(version(SAVES, 1)))
    counter.add(7)

    host.reload("counter", build(version(SAVES, 2)))

    assert counter.add(0) == 1007


def test_a_converter_that_calls_its_own_plugin_gets_an_answer(build: Workshop) -> None:
    """Its gate is closed for the very swap it works for: waiting would be for itself."""
    with Host(probe="off") as host:
        counter: Any = host.load(build(version(SAVES, 1)))
        counter.add(7)
        host.converter("counter", from_schema=1, to_schema=2)(lambda _: {"count": counter.add(0)})

        with pytest.raises(StateError, match="converter 1→2") as refused:
            host.reload("counter", build(version(SAVES, 2)))

        assert "Busy" in refused.value.found[0]
        assert counter.add(0) == 7


def test_a_change_that_a_converter_asks_for_is_deferred(build: Workshop) -> None:
    """It would wait for its own turn; so it is done after this one."""
    with Host(probe="off") as host:
        counter: Any = host.load(build(version(SAVES, 1)))
        later: list[Any] = []
        after = build(replace(version(SAVES, 2), build=3))

        @host.converter("counter", from_schema=1, to_schema=2)
        def reload(values: dict[str, Any]) -> dict[str, Any]:
            later.append(host.reload("counter", after))
            return values

        host.reload("counter", build(version(SAVES, 2)))

        assert str(later[0].outcome) == "deferred"
        assert later[0].result(30.0).generation == counter.generation == 3


@pytest.mark.full
def test_calls_from_other_threads_go_on_around_a_python_converter(host: Host, build: Workshop) -> None:
    """Callers wait at the gate without the interpreter, so the converter gets it; none of them is lost."""
    multiply(host, 1, 2, 10)
    multiply(host, 2, 1, 0.1)
    counter: Any = host.load(build(version(SAVES, 1)))
    is_over = threading.Event()
    errors: list[BaseException] = []

    def call() -> None:
        try:
            while not is_over.is_set():
                counter.add(0)
        except BaseException as error:
            errors.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for one in callers:
        one.start()
    try:
        for _ in range(3):
            host.reload("counter", build(version(SAVES, 2)))
            host.rollback("counter")
    finally:
        is_over.set()
        for one in callers:
            one.join()

    assert errors == []


def test_nothing_is_left_of_what_went_over_a_chain(build: Workshop) -> None:
    """Blocks, threads and functions: all of it is gone when its generation is."""
    with Host(probe="off") as host:
        for before, after, by in ((1, 2, 10), (2, 1, 0.1)):
            multiply(host, before, after, by)
        counter: Any = host.load(build(version(CONVERTS, 1)))
        counter.add(7)
        images = [build(version(CONVERTS, schema)) for schema in (2, 1)]
        for image in images:  # once, for what is made once
            host.reload("counter", image, allow_downgrade=True)
        before_threads, live = threading.active_count(), counter.generation

        for image in images * 10:
            host.reload("counter", image, allow_downgrade=True)

        assert counter.generation == live + 20
        assert counter.add(0) == 7
        gc.collect()
        assert threading.active_count() == before_threads
        assert host.unloads(10.0).stuck == ()
    assert _core.wait_idle(10.0)
