"""A dependency and those that call it, all changed at the same moment."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kept_images import KEPT

sys.path.insert(0, str(Path(__file__).parent.parent / "stress"))

from many_images import ManyImages, Node, name_of
from many_scene import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Sized
    from hotgraft import Event, Host

DEADLINE_S = 120.0
# Everybody calls everybody before: whoever locks one after the other meets who does so the other way round.
NEEDS = ((), (0,), (1, 0))


def nodes_of(build: int) -> list[Node]:
    """Return a build of the dependency, of its dependent, and of the dependent of both."""
    return [Node(number, build, needs) for number, needs in enumerate(NEEDS)]


def at_once(works: list[Callable[[], Any]]) -> list[BaseException]:
    """Let each begin at the same moment; return what they raised."""
    together, raised = threading.Barrier(len(works)), list[BaseException]()

    def begin(work: Callable[[], Any]) -> None:
        together.wait(DEADLINE_S)
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=begin, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert not any(thread.is_alive() for thread in threads), "they wait for each other"
    return raised


@pytest.mark.timeout(600)
def test_a_dependency_and_its_dependents_at_once(unprobed: Host, tmp_path: Path, sized: Sized) -> None:
    """R07: no deadlock, each plugin's changes in the order they were asked for, and no call fails meanwhile."""
    images, published = ManyImages(tmp_path, KEPT), list[tuple[str, str]]()
    for node in nodes_of(0):
        unprobed.load(images(node))

    def note(event: Event) -> None:
        published.append((event.plugin, unprobed[event.plugin].version))

    unprobed.on("swap.published", note)
    caller, over = Caller(unprobed, len(NEEDS), seed=7), threading.Event()
    calling = threading.Thread(target=caller.live, args=(over,))
    calling.start()
    rounds = sized(quick=3, full=100)
    try:
        for build in range(1, rounds + 1):
            raised = at_once(works_of(unprobed, images, build))
            assert raised == []
            assert [unprobed[name_of(number)].version for number in range(len(NEEDS))] == [f"1.0.{build}"] * len(NEEDS)
    finally:
        over.set()
        calling.join(DEADLINE_S)

    assert (caller.counts["failed"], caller.counts["wrong"]) == (0, 0), caller.complaints[:3]
    assert caller.counts["nested"] > 0
    for number in range(len(NEEDS)):
        versions = [int(version.rsplit(".", 1)[1]) for name, version in published if name == name_of(number)]
        assert versions == sorted(versions)
        assert set(versions) == set(range(1, rounds + 1))
    assert unprobed[name_of(0)].add(0) == caller.added[0]


def works_of(host: Host, images: ManyImages, build: int) -> list[Callable[[], Any]]:
    """Return a change of each alone, in both orders, and of all of them as one."""

    def change(node: Node) -> Callable[[], Any]:
        return lambda: host.reload(node.name, images(node), deadline_s=DEADLINE_S, is_settled=True)

    nodes = nodes_of(build)
    for node in nodes:
        images(node)  # made by one thread
    together = {node.name: images(node) for node in nodes}
    return [
        *map(change, nodes),
        lambda: host.reload_set(together, deadline_s=DEADLINE_S, is_settled=True),
        *map(change, reversed(nodes)),
    ]
