"""Tests host/host_plan.py and host/planning.py: the plan of one or many, from files, changing nothing; and who asks."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hotgraft import ContractError, Host, ImageError, LoadError, Outcome, PermissionRequired, UnknownPlugin
from hotgraft.cli.main import cli
from hotgraft.core.reload_set import Reason
from hotgraft.core.wire import Request
from hotgraft.engine.socket_place import Peer
from hotgraft.run.socket_answers import SocketAnswers
from hotgraft.run.socket_server import SocketServer
from pair_scene import codec, player
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, STATELESS, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sample_plugins import Workshop

SECOND = replace(STATELESS, version="2.0.0", interface_version=(2, 0), build=2)
WANTS_SECOND = replace(CALLER_PLUGIN, version="1.1.0", requires=(("counter", "^2"),))
ME = Peer(pid=os.getpid(), uid=os.getuid())


class Place:
    """A folder in which the images of two plugins lie, one calling the other."""

    def __init__(self, folder: Path, build: Workshop) -> None:
        self.folder = folder
        self._build = build

    def put(self, sample: Sample) -> Path:
        """Let this be what lies where its plugin is loaded from."""
        path, fresh = self.folder / f"{sample.name}.so", self.folder / "fresh.so"
        shutil.copyfile(self._build(sample), fresh)
        fresh.replace(path)
        return path


@pytest.fixture
def place(tmp_path: Path, build: Workshop) -> Place:
    return Place(tmp_path, build)


def load_both(host: Host, place: Place, counter: Sample = STATELESS) -> None:
    """Load a counter and its caller."""
    host.load(place.put(counter))
    host.load(place.put(CALLER_PLUGIN))


def test_the_plan_names_who_must_come_along_with_what_lies_at_its_place(unprobed: Host, place: Place) -> None:
    """Nothing is changed, and the same question after the missing build is there has another answer."""
    load_both(unprobed, place)
    candidate = place.put(SECOND)
    alone = unprobed.plan("counter")
    assert alone.is_refused
    assert alone.names == ("counter", "caller")
    assert any("caller has no candidate ready where it was loaded from" in one for one in alone.refusals)

    place.put(WANTS_SECOND)
    plan = unprobed.plan("counter")

    assert plan.refusals == ()
    assert [(one.plugin, one.member.reason, one.image) for one in plan] == [
        ("counter", Reason.CHANGED, str(candidate)),
        ("caller", Reason.BROKEN, str(place.folder / "caller.so")),
    ]
    assert (unprobed["counter"].generation, unprobed["caller"].generation) == (1, 1)
    assert unprobed["caller"].add_there(2) == 2


def test_what_lies_there_and_is_no_image_is_told_with_the_place(unprobed: Host, place: Place) -> None:
    """A build that is half done is not taken for none."""
    load_both(unprobed, place)
    place.put(SECOND)
    (place.folder / "caller.so").write_bytes(b"\x7fELF half a file")
    (refusal,) = unprobed.plan("counter").set_refusals
    assert f"caller has no candidate ready where it was loaded from: {place.folder / 'caller.so'}: " in str(refusal)


def test_several_are_planned_as_one_and_one_may_be_new(unprobed: Host, place: Place, build: Workshop) -> None:
    """Each with its own image; an order, and a plan for each that runs."""
    unprobed.load(place.put(STATELESS))
    newer = build(replace(STATELESS, version="1.1.0", build=2))
    plan = unprobed.plan({"caller": build(CALLER_PLUGIN), "counter": newer})
    assert plan.names == ("counter", "caller")
    assert not plan.is_refused
    assert plan["counter"].candidate_version == "1.1.0"
    assert plan.members[1].plan is None


def test_misuse_is_refused(unprobed: Host, place: Place) -> None:
    """Each with what was wrong."""
    load_both(unprobed, place)
    with pytest.raises(UnknownPlugin):
        unprobed.plan("nosuch")
    with pytest.raises(UnknownPlugin):
        unprobed.plan({"nosuch": None})
    with pytest.raises(TypeError, match="each of several plugins has its own image"):
        unprobed.plan({"counter": None}, place.folder / "caller.so")
    with pytest.raises(ValueError, match="there is none"):
        unprobed.plan({})
    with pytest.raises(TypeError, match="say one name, or images by plugin"):
        unprobed.plan(["counter", "caller"])  # type: ignore[arg-type] # that is what is tested


def test_an_image_that_is_not_there_is_an_error(place: Place) -> None:
    """It was asked for, so there is nothing to plan."""
    with Host(probe="off", settle_deadline_s=0.2) as host:
        host.load(place.put(STATELESS))
        with pytest.raises(ImageError):
            host.plan("counter", place.folder / "nowhere.so")


def test_a_plan_says_what_else_would_be_refused(place: Place) -> None:
    """What the image says of itself, a quarantine, a config that does not fit: before anybody presses the button."""
    schema = {"type": "object", "properties": {"mix": {"type": "number"}}, "required": ["mix"]}
    with Host(probe="off", probation="on") as host:
        host.load(place.put(STATELESS))
        host.reload("counter", place.put(replace(STATELESS, version="1.0.1", build=3)))
        host.rollback("counter")
        image = place.put(replace(STATELESS, version="1.1.0", build=2, config_schema=schema))
        assert host.plan("counter", image).refusals == host.plan("counter", image).members[0].own_refusals
        assert any("mix" in one for one in host.plan("counter", image).refusals)
        other = place.put(replace(STATELESS, name="other"))
        assert "the image is plugin 'other'" in host.plan("counter", other).refusals


def test_nobody_is_planned_to_rely_on_what_a_rollback_would_take_away(place: Place, build: Workshop) -> None:
    """As the swap itself has it: of a provider on probation only what stays counts."""
    wants = build(replace(CALLER_PLUGIN, version="1.1.0", requires=(("counter", "^1.1"),)))
    with Host(probe="off", probation="on") as host:
        load_both(host, place)
        host.reload("counter", place.put(replace(STATELESS, version="1.1.0", interface_version=(1, 1), build=2)))
        (refusal,) = host.plan("caller", wants).refusals
        assert refusal == "caller 1.1.0 needs counter ^1.1: counter 1.1.0 offers counter 1.0 after a rollback"
        with pytest.raises(LoadError, match="on probation, and less if it is rolled back"):
            host.reload("caller", wants)
        host.commit("counter")
        assert host.plan("caller", wants).refusals == ()


def test_the_pause_of_the_last_swap_is_what_the_next_is_expected_to_take(unprobed: Host, place: Place) -> None:
    """Before the first one nobody knows; a swap without a gate tells nothing."""
    unprobed.load(place.put(HANDS_OVER))
    image = place.put(replace(HANDS_OVER, version="1.1.0", build=2))
    assert not unprobed.plan("counter", image).pause.is_known
    report = unprobed.reload("counter", image)
    pause = unprobed.plan("counter", image).pause
    assert pause.is_known
    assert pause.us == pytest.approx(report.pause_us)


# --- over the socket, and from the commands ---


def answer(host: Host, *, allow_paths: bool = False, **what: Any) -> dict[str, Any]:
    """Return what a host answers to this user."""
    return SocketAnswers(host, allow_paths=allow_paths).answer(Request(**what), ME)


def test_the_socket_answers_for_one_as_before_and_for_several(unprobed: Host, place: Place) -> None:
    """What a script read of one plugin it still reads."""
    load_both(unprobed, place)
    place.put(replace(STATELESS, version="1.1.0", build=2))
    one = answer(unprobed, ask="plan", plugin="counter")
    assert one["plan"]["candidate_version"] == "1.1.0"
    assert one["plan"]["refusals"] == []
    assert one["set"]["order"] == ["counter"]
    many = answer(unprobed, ask="plan", plugins=("caller", "counter"))
    assert many["set"]["order"] == ["counter", "caller"]
    assert "plan" not in many
    assert many["words"].startswith("a swap of 2 plugins\n")
    drawn = [answer(unprobed, ask="plan", plugins=("caller",), format=form)["words"] for form in ("mermaid", "dot")]
    assert [one.split()[0] for one in drawn] == ["flowchart", "digraph"]
    json.dumps(many)


def test_the_socket_replaces_several_as_one(unprobed: Host, place: Place) -> None:
    """And says of each what became of it."""
    load_both(unprobed, place)
    place.put(replace(STATELESS, version="1.1.0", build=2))
    done = answer(unprobed, ask="reload", plugins=("caller", "counter"), reason="both")
    assert done["report"]["outcome"] == Outcome.PUBLISHED
    assert list(done["report"]["members"]) == ["counter", "caller"]
    assert unprobed["counter"].build() == 2


def test_paths_of_several_are_refused_where_the_host_takes_none(unprobed: Host, place: Place) -> None:
    """Each is named; and taken where they are allowed."""
    load_both(unprobed, place)
    paths = {"counter": str(place.put(replace(STATELESS, version="1.1.0", build=2)))}
    for ask in ("plan", "reload"):
        with pytest.raises(PermissionRequired) as caught:
            answer(unprobed, ask=ask, plugins=("caller",), paths=paths)
        assert caught.value.on == "counter"
        assert caught.value.found == (f"{paths['counter']}: this host takes no path from its socket",)
    plan = answer(unprobed, allow_paths=True, ask="plan", plugins=("caller",), paths=paths)
    assert [one["plugin"] for one in plan["set"]["members"]] == ["counter", "caller"]


def test_a_misspelt_name_loads_nothing_beside_what_was_meant(unprobed: Host, place: Place) -> None:
    """With an image, a name that is not loaded is one to be loaded: only if the image says the same."""
    load_both(unprobed, place)
    image = str(place.put(replace(STATELESS, version="1.1.0", build=2)))
    for ask in ("plan", "reload"):
        with pytest.raises(UnknownPlugin) as caught:
            answer(unprobed, allow_paths=True, ask=ask, plugins=("caller",), paths={"conuter": image})
        (found,) = caught.value.found
        assert found == f"it is not loaded, and {image} is the image of 'counter'; loaded plugins: counter, caller"
        assert caught.value.advice == "say 'counter', which is loaded"
    assert "conuter" not in unprobed


@contextmanager
def served(host: Host, folder: Path) -> Iterator[str]:
    """Answer at a socket in the folder."""
    path = folder / "host.sock"
    server = SocketServer(path, SocketAnswers(host, allow_paths=True).answer)
    try:
        yield str(path)
    finally:
        server.close()


def asked(socket: str, *words: str) -> tuple[int, str]:
    """Return exit code and output of a command."""
    done = CliRunner().invoke(cli, [*words, "--host", socket])
    return done.exit_code, done.output


def test_the_commands_ask_for_several(unprobed: Host, place: Place) -> None:
    """The plan of a set that goes, one that does not, the same as a picture, and the swap."""
    load_both(unprobed, place)
    second = place.put(SECOND)
    with served(unprobed, place.folder) as socket:
        code, text = asked(socket, "plan", "counter")
        assert code == 3
        assert "refused: caller 1.0.0 needs counter ^1.0: counter 2.0.0 offers counter 2.0" in text
        place.put(WANTS_SECOND)
        code, text = asked(socket, "plan", "caller", "--image", f"counter={second}")
        assert code == 0
        assert text.splitlines()[1:3] == [
            "  1 counter (candidate 2.0.0): 1.0.0 → 2.0.0",
            "  2 caller (candidate 1.1.0): 1.0.0 → 1.1.0",
        ]
        assert asked(socket, "plan", "counter", "caller", "--format", "dot")[1].startswith("digraph hotgraft {\n")
        code, text = asked(socket, "reload", "counter", "--digest", "d25f")
        assert (code, text.splitlines()[0]) == (
            3,
            "counter: could not reload: 'd25f' is no SHA-256: 8 to 64 hexadecimal digits; nothing was changed",
        )
        place.put(replace(STATELESS, version="1.1.0", build=2))
        place.put(CALLER_PLUGIN)
        code, text = asked(socket, "reload", "counter", "caller")
        assert (code, text.splitlines()[0]) == (0, "counter + caller: published")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Missing argument 'PLUGIN...'"),
        (("a", "a"), "a is named twice"),
        (("a", "b", "--path", "x.so"), "--path is of one plugin: say --image NAME=PATH"),
        (("a", "--image", "b"), "'b' is not NAME=PATH"),
        (("a", "--image", "b=x", "--image", "b=y"), "b has two images"),
    ],
)
def test_a_command_line_that_means_nothing_is_refused(words: tuple[str, ...], said: str) -> None:
    """Before any host is looked for."""
    for command in ("plan", "reload"):
        code, text = asked("nowhere", command, *words)
        assert (code, said in text) == (2, True)


@pytest.mark.parametrize("words", [("plan", "a", "--host", "nowhere"), ("graph",)])
def test_a_picture_is_not_lost_for_an_object(words: tuple[str, ...]) -> None:
    """Whoever asks for both has one of them on stdout, and would have to guess which."""
    done = CliRunner().invoke(cli, [*words, "--json", "--format", "dot"])
    assert (done.exit_code, "--json and --format dot: choose one." in done.output) == (2, True)


def test_what_is_planned_is_what_is_done(unprobed: Host, place: Place) -> None:
    """The same members in the same order, each for the same reason, in the same image; and the same refusals."""
    for sample in (codec(1), player(11)):
        unprobed.load(place.put(sample))
    place.put(codec(2, 2))
    refused = unprobed.plan("codec")
    with pytest.raises(ContractError) as caught:
        unprobed.reload("codec")
    assert caught.value.found == (*refused["codec"].refusals, *map(str, refused.set_refusals))
    assert "player has no candidate ready" in str(caught.value)
    assert caught.value.advice.startswith("have builds ready of player that fit")

    place.put(player(12, "^2"))
    plan = unprobed.plan("codec")
    report = unprobed.reload("codec")

    assert report.set is not None
    assert tuple(report.set.members) == plan.names == ("codec", "player")
    assert dict(report.set.why) == {one.plugin: one.member.sentence for one in plan}
    assert [one.image for one in report.set.members.values()] == [one.image for one in plan]
    assert [str(one.steps) for one in report.set.plan] == [str(one.plan.steps) for one in plan if one.plan is not None]
    assert unprobed["player"].build() == 12_002
