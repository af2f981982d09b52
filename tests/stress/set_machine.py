"""A host with a graph of plugins beside the model of it: what hypothesis does with both, rule by rule."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import hypothesis.strategies as st
from hotgraft import Host, HotgraftError, RollbackBlocked, _core
from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from many_images import NEEDS_MAX, ManyImages, Node, name_of
from set_model import Model, fault_of_call

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping

DEADLINE_S: Final = 60.0
FOR_EVER_S: Final = 86_400.0
PLUGINS_MAX: Final = 5
BUILDS_MAX: Final = 4
REST_S: Final = 0.0002
SEEN_MAX: Final = 512  # stamps of one call through everything below
STEPS: Final = ("close gates", "drain", "quiesce", "surrender", "take", "start", "publish")
FUNCTIONS: Final = ("create", "take", "start")

numbers = st.integers(0, PLUGINS_MAX - 1)
faults = st.one_of(
    st.none(),
    st.none(),
    st.tuples(st.sampled_from(STEPS), st.integers(1, 3)),
    st.tuples(st.sampled_from(FUNCTIONS), st.just(0)),
)
Fault = tuple[str, int] | None  # a step of the window and which time it comes up; or, 0, a function of a candidate


@st.composite
def needs_below(draw: st.DrawFn, number: int) -> tuple[int, ...]:
    """Whom a plugin calls: some of those before it, so that there is no cycle."""
    if number == 0:
        return ()
    return tuple(draw(st.lists(st.integers(0, number - 1), max_size=NEEDS_MAX, unique=True)))


class Hook:
    """Lets a step of the core's window fail, from the time on that it comes up as often as it says."""

    def __init__(self, fault: Fault) -> None:
        self.has_failed = False
        self._step, self._left = fault if fault is not None and fault[1] > 0 else ("", 0)

    def __call__(self, step: str) -> str:
        """Answer what the step shall do."""
        if step != self._step:
            return "run"
        self._left -= 1
        self.has_failed |= self._left <= 0
        return "fail" if self._left <= 0 else "run"

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """While it is asked."""
        _core._seams.set_step_hook(self)
        try:
            yield
        finally:
            _core._seams.set_step_hook(None)


@dataclass(slots=True)
class Asker:
    """A thread that calls through everything while a rule replaces something."""

    handles: list[Any]
    calls: list[list[int]] = field(default_factory=list)
    found: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Call one after another until it is over."""
        seen = memoryview(bytearray(8 * SEEN_MAX)).cast("q")
        try:
            while not self.over.wait(REST_S):  # the interpreter lock is for who replaces, too
                for handle in self.handles:
                    self.calls.append(seen[: handle.ask(seen, SEEN_MAX)].tolist())
        except Exception as error:
            self.found = f"a call failed: {error!r}"

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While it runs."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()


class SetMachine(RuleBasedStateMachine):
    """Random graphs, and random things done to them; after each the host must be what the model says."""

    images: ManyImages  # of the subclass that a test makes, as the next
    ways: Counter[str]  # how changes ended

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.generations: dict[int, int] = {}  # of each, that serves
        self.newest: dict[int, int] = {}  # of each, that was ever given
        self.host = Host(
            probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S, swap_deadline_s=DEADLINE_S
        )

    def teardown(self) -> None:
        """Everything leaves memory."""
        unloads = self.host.close()
        assert (unloads.waiting, unloads.stuck) == ((), ())

    @initialize(data=st.data(), states=st.lists(st.booleans(), min_size=2, max_size=PLUGINS_MAX))
    def load(self, data: st.DataObject, states: list[bool]) -> None:
        """A graph of so many plugins, with state or without."""
        for number, has_state in enumerate(states):
            node = Node(number, 1, data.draw(needs_below(number)), has_state)
            handle = self.host.load(self.images(node))
            self.model.load(node)
            self.generations[number] = self.newest[number] = handle.generation

    # --- rules ---

    @rule(number=numbers, by=st.integers(1, 1000))
    def add(self, number: int, by: int) -> None:
        """A plugin's state changes."""
        number = self._known(number)
        assert self._handle(number).add(by) == self.model.add(number, by)

    @rule(data=st.data(), number=numbers, fault=faults, allows=st.booleans())
    def reload(self, data: st.DataObject, number: int, fault: Fault, allows: bool) -> None:
        """Another build of one plugin."""
        node = self._drawn(data, self._known(number))
        config = self._config(fault)

        def change() -> Mapping[str, Any]:
            report = self.host.reload(
                node.name, self.images(node), config=config, allow_downgrade=allows, is_settled=True
            )
            return {node.name: report}

        self._replace((node,), fault, allows, change, node)

    @precondition(lambda self: hasattr(self.host, "reload_set"))
    @rule(data=st.data(), members=st.sets(numbers, min_size=2, max_size=4), fault=faults, allows=st.booleans())
    def reload_set(self, data: st.DataObject, members: set[int], fault: Fault, allows: bool) -> None:
        """Other builds of several, as one."""
        nodes = tuple(self._drawn(data, number) for number in sorted({self._known(one) for one in members}))
        config, failing = self._config(fault), data.draw(st.sampled_from(nodes))
        configs = None if config is None else {failing.name: config}

        def change() -> Mapping[str, Any]:
            return self._swap_set(nodes, configs, allows)

        self._replace(nodes, fault, allows, change, failing)

    @rule(number=numbers, fault=faults, is_sure=st.integers(0, 5))
    def roll_back(self, number: int, fault: Fault, is_sure: int) -> None:
        """What served before is to serve again, with all that came with it; now and then, where there is nothing."""
        sure = [one for one in self.model.plugins if self.model.goes_back_to(one) is not None]
        number, hook = sure[number % len(sure)] if is_sure and sure else self._known(number), Hook(fault)
        back = self.model.goes_back_to(number)
        before, asker = self.model.builds(), self._asker()
        after = before | {member: node.build for member, node in (back or {}).items()}
        try:
            with hook.at_work(), asker.asking():
                self.host.rollback(name_of(number))
            note(f"rolled back {number}: {before} → {after}")
        except HotgraftError as error:
            note(str(error))
            assert hook.has_failed or (back is None and isinstance(error, RollbackBlocked)), error
            self._judge(asker, before, before, frozenset())
            self.ways["rollback: blocked" if back is None else "rollback: failed"] += 1
            return
        self.ways["rollback"] += 1
        assert back is not None, "it went back, and there is nothing to go back to"
        # Where nothing needs to come along, a step that fails on the first way back is not on the second.
        assert not hook.has_failed or not any(node.has_state for node in back.values()), "a step failed, and it went on"
        self.model.roll_back(number)
        self._judge(asker, before, after, frozenset(back))
        self._note_generations(back)

    @rule(number=numbers)
    def commit(self, number: int) -> None:
        """What serves is good."""
        self.host.commit(name_of(self._known(number)))
        self.model.commit(self._known(number))

    # --- what must hold ---

    @invariant()
    def is_as_predicted(self) -> None:
        """Every plugin: its generation, its version, its count, its code, and whom it calls."""
        seen = memoryview(bytearray(8 * SEEN_MAX)).cast("q")
        for number, one in self.model.plugins.items():
            handle = self._handle(number)
            found = (handle.generation, handle.version, handle.add(0), handle.stamp())
            serving = one.serving
            assert found == (self.generations[number], serving.node.version, serving.count, serving.node.stamp)
            assert seen[: handle.ask(seen, SEEN_MAX)].tolist() == self.model.ask(number)

    # --- how ---

    def _swap_set(self, nodes: tuple[Node, ...], configs: Mapping[str, Any] | None, allows: bool) -> Mapping[str, Any]:
        images = {node.name: self.images(node) for node in nodes}
        host: Any = self.host
        report = host.reload_set(images, configs=configs, allow_downgrade=allows, is_settled=True)
        members: Mapping[str, Any] = report.members
        return members

    def _replace(
        self,
        nodes: tuple[Node, ...],
        fault: Fault,
        allows: bool,
        change: Callable[[], Mapping[str, Any]],
        failing: Node,
    ) -> None:
        """Carry out a change, and hold the host to all of it or nothing; `failing` is told what is to fail."""
        hook, asker, before = Hook(fault), self._asker(), self.model.builds()
        is_refused = self.model.is_downgrade(nodes) and not allows
        must_fail = is_refused or self._fails(failing, fault)
        try:
            with hook.at_work(), asker.asking():
                reports = change()
        except HotgraftError as error:
            note(str(error))
            assert must_fail or hook.has_failed, error
            self._judge(asker, before, before, frozenset())
            self.ways[f"{len(nodes)}: {'refused' if is_refused else 'failed'}"] += 1
            return
        self.ways[f"{len(nodes)}: replaced"] += 1
        assert not must_fail, "it went on, and it was to be refused or to fail"
        assert not hook.has_failed, "a step failed, and it went on"
        self.model.replace(nodes)
        self._judge(asker, before, self.model.builds(), frozenset(node.number for node in nodes))
        assert set(reports) == {node.name for node in nodes}
        self._note_generations({node.number: node for node in nodes})

    @staticmethod
    def _fails(node: Node, fault: Fault) -> bool:
        """Tell whether the candidate's function that is to fail is called at all."""
        return fault is not None and fault[1] == 0 and (fault[0] != "take" or node.has_state)

    def _judge(
        self, asker: Asker, before: Mapping[int, int], after: Mapping[int, int], members: frozenset[int]
    ) -> None:
        """No call failed; each saw one side of what was replaced, and none the old after the new."""
        assert not asker.found, asker.found
        has_seen_new = False
        for seen in asker.calls:
            fault, saw_new = fault_of_call(seen, before, after, members)
            assert not fault, f"{fault}: {seen}; {before} → {after}"
            if has_seen_new and len(members) > 1:
                late, _ = fault_of_call(seen, after, after, members)
                assert not late, f"the old after the new: {late}: {seen}; {before} → {after}"
            has_seen_new |= saw_new

    def _note_generations(self, nodes: Mapping[int, Node]) -> None:
        for number in nodes:
            found = self._handle(number).generation
            assert found != self.generations[number]
            self.generations[number] = found
            self.newest[number] = max(found, self.newest[number])

    def _known(self, number: int) -> int:
        return number % len(self.model.plugins)

    def _handle(self, number: int) -> Any:
        return self.host[name_of(number)]

    def _asker(self) -> Asker:
        return Asker([self._handle(number) for number in reversed(self.model.plugins)])

    def _drawn(self, data: st.DataObject, number: int) -> Node:
        has_state = self.model.plugins[number].serving.node.has_state
        return Node(number, data.draw(st.integers(1, BUILDS_MAX)), data.draw(needs_below(number)), has_state)

    @staticmethod
    def _config(fault: Fault) -> dict[str, str] | None:
        return {"fail": fault[0]} if fault is not None and fault[1] == 0 else None
