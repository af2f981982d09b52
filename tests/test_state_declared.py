"""States that lead to blocks of their own, hold unions and handles: handed over, converted up and down, and spoiled."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hotgraft import Host, _core
from hotgraft.core import state
from hotgraft.core.errors import HotgraftError, StateError
from hotgraft.core.layout_compile import compile_walk
from kept_plugins import kept_plugin

SCENE = Path(__file__).parent / "plugins" / "scene"
Edited = Callable[..., Path]

SAME = ""
# Wider ids, a new field in front of the pointer of each particle, wider points, and what the shapes hold reordered.
WIDER = """
int32_t id; → double mass; int64_t id;
    float x; → double y; double x;
    int32_t width;\\n    int32_t height; → int32_t depth; int32_t height; int64_t width;
    float radius; → double radius;
uint64_t connection HOTGRAFT_HANDLE; → uint8_t flag; uint64_t connection HOTGRAFT_HANDLE;
"""


@pytest.fixture(scope="session")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Edited:
    """Build a scene with its header edited, one ``old → new`` a line: ``edited(WIDER, state='dropped = [...]')``."""
    built: dict[tuple[str, ...], Path] = {}

    def build(edits: str = SAME, *, state: str = "", source: str = "", version: str = "1.0.0") -> Path:
        key = (edits, state, source, version)
        if key not in built:
            folder = tmp_path_factory.mktemp("scene")
            shutil.copytree(SCENE, folder, dirs_exist_ok=True)
            _edit(folder / "scene.h", edits)
            _edit(folder / "scene.c", source)
            manifest = folder / "plugin.toml"
            manifest.write_text(manifest.read_text().replace("1.0.0", version) + state)
            built[key] = kept_plugin(folder, flags=("-O0", "-g0"))
        return built[key]

    return build


def _edit(path: Path, edits: str) -> None:
    text = path.read_text()
    for line in edits.strip().splitlines():
        old, new = (one.replace("\\n", "\n") for one in line.split(" → "))
        assert old.strip() in text, f"{path.name} holds no {old!r}"
        text = text.replace(old.strip(), new)
    path.write_text(text)


@pytest.fixture(params=["probed", "not probed"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(probe="start" if request.param == "probed" else "off", probation="on", probation_s=3600.0) as it:
        yield it


def filled(host: Host, image: Path) -> Any:
    """Return a scene of seven particles with tails, a box, and a connection."""
    scene: Any = host.load(image)
    for number in range(7):
        scene.add(number + 1, number % 3)
    scene.set_box(6, 7)
    scene.connect(2**64 - 2)
    return scene


def told(scene: Any) -> tuple[float, float, int]:
    """Return what callers see of the state."""
    return scene.sum(), scene.area(), scene.connection()


FILLED = (28.0 + 2 + 3 * 2 + 5 + 6 * 2, 42.0, 2**64 - 2)


def way(report: Any) -> str:
    """Return how the state crossed."""
    return str(report.plan.crossing)


def live_bytes(host: Host) -> int:
    """Return the host's memory that is billed to the generation that serves."""
    return int(host._plugins["scene"].serving.generation.live_bytes)


def test_blocks_are_handed_over_as_they_are_and_billed_to_who_has_them(host: Host, edited: Edited) -> None:
    """Equal layouts: no pointer changes, and the old generation owes nothing for what it does not have."""
    scene = filled(host, edited())
    before = live_bytes(host)
    old = host._plugins["scene"].serving.generation

    report = host.reload("scene", edited(version="1.0.1"))

    assert way(report) == "hand over"
    assert report.probe is None or not report.probe.not_probed
    assert told(scene) == FILLED
    assert live_bytes(host) == before
    assert old.live_bytes == 0
    assert scene.add(100, 5) == 8


def test_blocks_are_converted_with_all_they_lead_to(host: Host, edited: Edited) -> None:
    """Pointer and count, elements that hold such themselves, the arm that is alive, and a handle."""
    scene = filled(host, edited())

    report = host.reload("scene", edited(WIDER))

    assert way(report) == "convert"
    assert told(scene) == FILLED
    for number in range(20):  # what is beyond the count has its room still: adding writes there before it grows
        scene.add(number, number)
    scene.set_ball(2.5)
    assert told(scene) == (FILLED[0] + sum(n + n * n for n in range(20)), -2.5, FILLED[2])


def test_a_rollback_converts_what_was_gained_since(host: Host, edited: Edited) -> None:
    """Blocks that grew, and a shape that was another one."""
    scene = filled(host, edited())
    host.reload("scene", edited(WIDER))
    for number in range(20):
        scene.add(number, number)
    scene.set_ball(2.5)

    report = host.rollback("scene")

    assert not report.is_lossy
    assert told(scene) == (FILLED[0] + sum(n + n * n for n in range(20)), -2.5, FILLED[2])


def test_a_value_deep_inside_that_does_not_fit_is_named_and_the_old_state_is_untouched(
    host: Host, edited: Edited
) -> None:
    """By the way to it, with every index; and nothing that was made for the candidate is left."""
    scene = filled(host, edited(WIDER))
    scene.add(2**31 - 1, 3)
    before = live_bytes(host)
    narrow = WIDER.replace("int64_t id", "int8_t id")

    with pytest.raises(StateError, match=r"particles\[7\]\.id holds 2147483647, and i8 holds"):
        host.reload("scene", edited(narrow))

    assert live_bytes(host) == before
    assert scene.sum() == FILLED[0] + 4 * (2**31 - 1) + 3  # an x of 2**31 - 1 is 2**31 as a float


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (1, "count holds 1000, and the block that particles leads to has 224 bytes for elements of 16"),
        (2, "count holds -3, and the block that particles leads to"),
        (3, "particles leads to 0x4140, which is no block of the host's realloc"),
        (4, r"particles leads to 0x[0-9a-f]+, which is no block of the host's realloc|points into the library"),
        (5, r"particles\[0\]\.tail and something else lead to the same block"),
        (6, "count holds 7, and particles is NULL"),
        (7, "kind holds 99, and nothing in its union is alive by that"),
    ],
)
def test_a_state_that_lies_is_refused_and_serves_on(host: Host, edited: Edited, how: int, sentence: str) -> None:
    """Nothing is read through a pointer or a count that was not looked at; what is wrong is said by field and value."""
    scene = filled(host, edited())
    before = live_bytes(host)
    scene.spoil(how)

    with pytest.raises(StateError, match=sentence) as refused:
        host.reload("scene", edited(WIDER))

    assert "generation 1 still serves" in str(refused.value)
    scene.spoil(0)
    assert told(scene) == FILLED
    assert live_bytes(host) == before
    host.reload("scene", edited(WIDER))
    assert told(scene) == FILLED


@pytest.mark.control
def test_control_without_the_walk_two_pointers_to_one_block_become_two_blocks(
    edited: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks at every pointer before one is followed; without it, what is one thing to the plugin is two."""
    with Host(probe="off") as host:
        scene = filled(host, edited())
        scene.spoil(5)
        met: list[object] = []

        def none_of_the_old(layout: Any) -> Any:
            met.append(layout)
            return compile_walk(layout) if len(met) > 1 else None

        monkeypatch.setattr(state, "compile_walk", none_of_the_old)
        assert way(host.reload("scene", edited(WIDER))) == "convert"


def test_a_candidate_that_fails_after_taking_leaves_no_block_behind(host: Host, edited: Edited) -> None:
    """What was converted is let go and dropped with all it leads to; the old blocks were only read."""
    scene = filled(host, edited())
    before = live_bytes(host)
    fails = edited(
        WIDER, source="return HOTGRAFT_OK;\\n}\\n\\nstatic void destroy → return -3;\\n}\\n\\nstatic void destroy"
    )

    with pytest.raises(HotgraftError, match="start"):
        host.reload("scene", fails)

    assert told(scene) == FILLED
    assert live_bytes(host) == before


WINDOW = ("drain", "quiesce", "surrender", "convert", "take", "start", "publish")


@pytest.mark.parametrize("step", WINDOW)
def test_a_swap_that_fails_at_any_step_leaves_the_old_blocks_and_no_new_ones(edited: Edited, step: str) -> None:
    """Bit for bit: pointers, what they lead to, and who owes the memory."""
    with Host(probe="off") as host:
        scene = filled(host, edited())
        before = live_bytes(host)
        _core._seams.set_step_hook(lambda kind: "fail" if kind == step else None)
        try:
            with pytest.raises(HotgraftError):
                host.reload("scene", edited(WIDER))
        finally:
            _core._seams.set_step_hook(None)
        assert told(scene) == FILLED
        assert live_bytes(host) == before
        host.reload("scene", edited(WIDER))
        assert told(scene) == FILLED


@pytest.mark.parametrize("step", ["take", "start", "publish"])
def test_a_hand_over_that_is_called_off_bills_what_was_handed_over_back(edited: Edited, step: str) -> None:
    """The blocks are the old generation's again, in the books too."""
    with Host(probe="off") as host:
        scene = filled(host, edited())
        before = live_bytes(host)
        _core._seams.set_step_hook(lambda kind: "fail" if kind == step else None)
        try:
            with pytest.raises(HotgraftError):
                host.reload("scene", edited(version="1.0.1"))
        finally:
            _core._seams.set_step_hook(None)
        assert told(scene) == FILLED
        assert live_bytes(host) == before


@pytest.mark.parametrize("edits", [SAME, WIDER], ids=["handed over", "converted"])
def test_a_candidate_that_frees_what_it_was_given_and_fails_has_freed_nothing(edited: Edited, edits: str) -> None:
    """All that a block leads to is on loan with it until the swap has come to its end."""
    frees = "scene->state = block; → scene->state = block; drop(scene); return HOTGRAFT_E_INVALID;"
    with Host(probe="off") as host:
        scene = filled(host, edited())
        before = live_bytes(host)
        with pytest.raises(HotgraftError, match="take"):
            host.reload("scene", edited(edits, source=frees, version="1.0.4"))
        assert told(scene) == FILLED
        assert live_bytes(host) == before
        host.reload("scene", edited(edits, version="1.0.1"))
        assert told(scene) == FILLED
        assert scene.add(100, 5) == 8


def test_a_rollback_that_cannot_convert_brings_the_kept_blocks_back(host: Host, edited: Edited) -> None:
    """With all that they lead to, as they were when they were replaced."""
    scene = filled(host, edited())
    host.reload("scene", edited(WIDER))
    scene.add(5, 0)
    scene.spoil(7)

    report = host.rollback("scene")

    assert report.is_lossy
    assert told(scene) == FILLED
    assert scene.add(1, 1) == 8


def test_many_conversions_leave_no_byte_behind(edited: Edited, sized: Any) -> None:
    """Kept blocks go with what they were kept for, and what was dropped goes too."""
    with Host(probe="off") as host:
        scene = filled(host, edited())
        moved = WIDER.replace("double mass; int64_t id;", "int64_t id; float weight;").replace("double y; ", "")
        images = [
            edited(WIDER, state='dropped = ["scene_particle.weight"]'),
            edited(moved, state='dropped = ["scene_particle.mass", "scene_point.y"]'),
        ]
        host.reload("scene", images[0])
        was = live_bytes(host)
        gone = []
        for turn in range(sized(quick=6, full=1000)):
            gone.append(host._plugins["scene"].serving.generation)
            host.reload("scene", images[1 - turn % 2])
            assert told(scene) == FILLED
        assert live_bytes(host) == was
        _core.wait_idle(10.0)
        assert [one.live_bytes for one in gone] == [0] * len(gone)
