"""A host with a graph of plugins beside the model of it: what hypothesis does with both, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import hypothesis.strategies as st
from hotgraft import Host, HotgraftError, Outcome, RollbackBlocked
from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from many_images import NEEDS_MAX, ManyImages, Node, name_of
from set_model import Model, fault_of_call
from set_seams import SEEN_MAX, Asker, Fault, Hook

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

DEADLINE_S: Final = 60.0
FOR_EVER_S: Final = 86_400.0
PLUGINS_MAX: Final = 5
BUILDS_MAX: Final = 4
STEPS: Final = ("close gates", "drain", "quiesce", "surrender", "take", "start", "publish")
FUNCTIONS: Final = ("create", "take", "start")

numbers = st.integers(0, PLUGINS_MAX - 1)
faults = st.one_of(
    st.none(),
    st.none(),
    st.tuples(st.sampled_from(STEPS), st.integers(1, 3)),
    st.tuples(st.sampled_from(FUNCTIONS), st.just(0)),
)


@st.composite
def needs_below(draw: st.DrawFn, number: int) -> tuple[int, ...]:
    """Whom a plugin calls: some of those before it, so that there is no cycle."""
    if number == 0:
        return ()
    return tuple(draw(st.lists(st.integers(0, number - 1), max_size=NEEDS_MAX, unique=True)))


def major_of(build: int) -> int:
    """Return the major version of a build: the last one breaks what callers rely on."""
    return 2 if build == BUILDS_MAX else 1


class SetMachine(RuleBasedStateMachine):
    """Random graphs, and random things done to them; after each the host must be what the model says."""

    images: ManyImages  # of the subclass that a test makes, as the next
    ways: Counter[str]  # how changes ended

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.generations: dict[int, int] = {}  # of each, that serves
        self.tries_left = 1  # of rollbacks where there is nothing to go back to
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
            self.generations[number] = handle.generation

    # --- rules ---

    @rule(number=numbers, by=st.integers(1, 1000))
    def add(self, number: int, by: int) -> None:
        """A plugin's state changes."""
        number = self._known(number)
        assert self._handle(number).add(by) == self.model.add(number, by)

    @rule(data=st.data(), number=numbers, fault=faults, allows=st.booleans())
    def reload(self, data: st.DataObject, number: int, fault: Fault, allows: bool) -> None:
        """Another build of one plugin."""
        (node,) = self._drawn(data, [self._known(number)])
        config = self._config(fault)

        def change() -> Mapping[str, Any]:
            return {
                node.name: self.host.reload(
                    node.name, self.images(node), config=config, allow_downgrade=allows, is_settled=True
                )
            }

        self._replace((node,), fault, allows, change, node)

    @rule(
        data=st.data(),
        members=st.sets(numbers, min_size=1, max_size=3),
        with_consumers=st.booleans(),
        fault=faults,
        allows=st.booleans(),
    )
    def reload_set(
        self, data: st.DataObject, members: set[int], with_consumers: bool, fault: Fault, allows: bool
    ) -> None:
        """Other builds of several, as one; with all that call them a new major version can come in."""
        known = {self._known(one) for one in members}
        known |= self.model.consumers_of(known) if with_consumers else set()
        nodes = self._drawn(data, sorted(known))
        config, failing = self._config(fault), data.draw(st.sampled_from(nodes))
        configs = None if config is None else {failing.name: config}
        plan = self.host.plan({node.name: self.images(node) for node in nodes}, allow_downgrade=allows)

        def change() -> Mapping[str, Any]:
            return self._swap_set(nodes, configs, allows)

        is_replaced = self._replace(nodes, fault, allows, change, failing)
        assert not (is_replaced and plan.is_refused), f"it went on, and the plan was refused: {plan}"

    @precondition(lambda self: self.tries_left > 0 or self.model.with_a_way_back())
    @rule(number=numbers, fault=faults)
    def roll_back(self, number: int, fault: Fault) -> None:
        """What served before is to serve again, with all that came with it; once, where there is nothing."""
        ways, hook = self.model.with_a_way_back(), Hook(fault)
        self.tries_left -= 0 if ways else 1
        number = ways[number % len(ways)] if ways else self._known(number)
        back = self.model.goes_back_to(number)
        before, asker = self.model.builds(), self._asker()
        nodes = tuple((back or {}).values())
        then = self.model.after(nodes)
        may_fail = back is None or not self.model.fits_back(number, nodes)
        try:
            with hook.at_work(), asker.asking():
                self.host.rollback(name_of(number))
        except HotgraftError as error:
            note(str(error))
            assert hook.has_failed or may_fail, error
            assert back is not None or isinstance(error, RollbackBlocked), error
            self._judge(asker, before, before, frozenset())
            self.ways["rollback: blocked" if back is None else "rollback: failed"] += 1
            return
        self.ways["rollback" if len(nodes) == 1 else "rollback of several"] += 1
        assert back is not None, "it went back, and there is nothing to go back to"
        assert then.is_sound(), "it went back, and somebody lacks what it needs"
        # Where nothing needs to come along, a step that fails on the first way back is not on the second.
        assert not hook.has_failed or not any(node.has_state for node in nodes), "a step failed, and it went on"
        self.model.roll_back(number)
        self._judge(asker, before, then.builds(), frozenset(back))
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
    ) -> bool:
        """Carry out a change, and hold the host to all of it or nothing; `failing` is told what is to fail."""
        hook, asker, before = Hook(fault), self._asker(), self.model.builds()
        after = self.model.after(nodes)
        is_refused = (self.model.is_downgrade(nodes) and not allows) or not self.model.fits(nodes)
        must_fail = is_refused or self._fails(failing, fault)
        way = f"{min(len(nodes), 4)}{' major' if after.majors() != self.model.majors() else ''}"
        try:
            with hook.at_work(), asker.asking():
                reports = change()
        except HotgraftError as error:
            note(str(error))
            assert must_fail or hook.has_failed, error
            self._judge(asker, before, before, frozenset())
            self.ways[f"{way}: {'refused' if is_refused else 'failed'}"] += 1
            self._check_report(getattr(error, "report", None), nodes)
            return False
        self.ways[f"{way}: replaced"] += 1
        assert not must_fail, "it went on, and it was to be refused or to fail"
        assert not hook.has_failed, "a step failed, and it went on"
        assert set(reports) == {node.name for node in nodes}
        self.model.replace(nodes)
        self._judge(asker, before, self.model.builds(), frozenset(node.number for node in nodes))
        self._note_generations({node.number: node for node in nodes})
        return True

    def _check_report(self, report: Any, nodes: tuple[Node, ...]) -> None:
        """It says of each what runs now, and that is what ran before."""
        assert report is not None
        members = getattr(report, "members", {nodes[0].name: report})
        assert {node.name for node in nodes} <= set(members)
        for node in nodes:
            assert members[node.name].generation == self.generations[node.number]
            assert members[node.name].outcome not in (Outcome.PUBLISHED, Outcome.ROLLED_BACK, Outcome.DEFERRED)

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

    def _known(self, number: int) -> int:
        return number % len(self.model.plugins)

    def _handle(self, number: int) -> Any:
        return self.host[name_of(number)]

    def _asker(self) -> Asker:
        return Asker([self._handle(number) for number in reversed(self.model.plugins)])

    def _drawn(self, data: st.DataObject, numbers: list[int]) -> tuple[Node, ...]:
        """Return a build of each, which need of each other, and of the rest, mostly what there is going to be."""
        builds = {number: data.draw(st.integers(1, BUILDS_MAX)) for number in numbers}
        after = self.model.majors() | {number: major_of(build) for number, build in builds.items()}
        is_wrong = data.draw(st.integers(0, 9)) == 0
        nodes = []
        for number, build in builds.items():
            needs = data.draw(needs_below(number))
            majors = tuple(after[one] % 2 + 1 if is_wrong else after[one] for one in needs)
            has_state = self.model.plugins[number].serving.node.has_state
            nodes.append(Node(number, build, needs, has_state, major_of(build), majors))
        return tuple(nodes)

    @staticmethod
    def _config(fault: Fault) -> dict[str, str] | None:
        return {"fail": fault[0]} if fault is not None and fault[1] == 0 else None
