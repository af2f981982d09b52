"""plugins_c/agent_tool: agents call it with JSON while it is replaced, and every answer is what was promised."""

from __future__ import annotations

import json
import pathlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from dev_process import DevProcess
from hotgraft import ConfigError, ContractError, Host
from hotgraft.core.schema_change import output_change
from hotgraft.engine.stage import inspect_file
from hotgraft.host.outputs import CheckedCall
from jsonschema import Draft202012Validator
from kept_plugins import kept_plugin

if TYPE_CHECKING:
    from hotgraft.host.events import HostEvent

TOOL = pathlib.Path(__file__).parents[1] / "plugins_c" / "agent_tool"
AGENTS = 3
DEADLINE_S = 60

Image = Callable[[str], pathlib.Path]


def promise(version: int) -> Draft202012Validator:
    return Draft202012Validator(json.loads((TOOL / f"v{version}" / "answer.schema.json").read_text()))


def vague(folder: pathlib.Path) -> None:
    """Make version 2 into one that no longer promises a count, and calls itself a minor change."""
    manifest, schema, source = folder / "plugin.toml", folder / "answer.schema.json", folder / "agent_tool.c"
    manifest.write_text(manifest.read_text().replace('"1.1.0"', '"1.2.0"'))
    schema.write_text(schema.read_text().replace('["ok", "count"]', '["ok"]'))
    source.write_text(source.read_text().replace('{\\"ok\\": true, \\"count\\": 0}', '{\\"ok\\": true}'))


def lying(folder: pathlib.Path) -> None:
    """Make version 2 into one that answers what its schema does not allow."""
    source = folder / "agent_tool.c"
    source.write_text(source.read_text().replace('{\\"ok\\": true, \\"count\\": 0}', '{\\"ok\\": 1, \\"count\\": -1}'))


def narrow(folder: pathlib.Path) -> None:
    """Make version 2 into one whose config has another default."""
    schema = folder / "config.schema.json"
    schema.write_text(schema.read_text().replace('"default": 256', '"default": 1'))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Compile a version, once a module: v1, v2, vague or lying."""
    built: dict[str, pathlib.Path] = {}
    changes = {"vague": vague, "lying": lying, "narrow": narrow}

    def get(name: str) -> pathlib.Path:
        if name not in built:
            folder = tmp_path_factory.mktemp("tools") / name
            shutil.copytree(TOOL / ("v1" if name == "v1" else "v2"), folder)
            changes.get(name, lambda _: None)(folder)
            built[name] = kept_plugin(folder, flags=("-O0", "-g0"))
        return built[name]

    return get


@pytest.fixture
def violations() -> list[HostEvent]:
    return []


@pytest.fixture
def host(violations: list[HostEvent]) -> Iterator[Host]:
    with Host(check_outputs="report") as it:
        it.on("output.violation", violations.append)
        yield it


def ask(tool: Any, **request: Any) -> dict[str, Any]:
    data = json.dumps(request).encode()
    answer: dict[str, Any] = json.loads(tool.call(data, len(data)))
    return answer


class Agent(threading.Thread):
    """One session: it adds numbers and holds every answer against what version 1 promised."""

    def __init__(self, tool: Any) -> None:
        super().__init__(daemon=True)
        self.tool = tool
        self.added = 0
        self.asked = threading.Semaphore(0)
        self.wrong: list[Any] = []
        self.is_over = False

    def run(self) -> None:
        promised = promise(1)
        while not self.is_over:
            try:
                answers = [ask(self.tool, op="add", values=[self.added, 2.5]), ask(self.tool, op="nonsense")]
            except Exception as error:
                self.wrong.append(repr(error))
                break
            self.added += 2
            self.wrong += [one for one in answers if not promised.is_valid(one) or one["ok"] is not (one is answers[0])]
            self.asked.release()


@pytest.mark.full
def test_agents_go_on_while_their_tool_is_replaced_and_put_back(
    host: Host, image: Image, violations: list[HostEvent]
) -> None:
    """No answer is lost, none breaks the promise, and the session's numbers are in all of them."""
    tool: Any = host.load(image("v1"))
    agents = [Agent(tool) for _ in range(AGENTS)]
    for agent in agents:
        agent.start()
    try:
        changes: tuple[Callable[[], object], ...] = (
            lambda: host.reload("agent_tool", image("v2")),
            lambda: host.rollback("agent_tool"),
        )
        for _ in range(5):
            for change in changes:
                assert all(agent.asked.acquire(timeout=DEADLINE_S) for agent in agents)
                change()
                host.allow("agent_tool")
    finally:
        for agent in agents:
            agent.is_over = True
        for agent in agents:
            agent.join(DEADLINE_S)

    assert [agent.wrong for agent in agents] == [[]] * AGENTS
    assert (tool.version, tool.generation > 2) == ("1.0.0", True)
    assert ask(tool, op="summary")["count"] == sum(agent.added for agent in agents)
    assert violations == []


def test_the_second_version_promises_more_and_the_vague_one_less(image: Image) -> None:
    """A property more is minor; a guarantee less is major, whatever the version says."""
    descriptors = {name: inspect_file(str(image(name)), settle_deadline_s=1.0)[0] for name in ("v1", "v2", "vague")}
    promised = {name: one.outputs["tool.call"] for name, one in descriptors.items()}

    assert [str(fact) for fact in output_change(promised["v1"], promised["v2"])] == [
        '#/properties/variance: {"minimum": 0, "type": "number"} is new'
    ]
    assert [(fact.change, str(fact)) for fact in output_change(promised["v2"], promised["vague"])] == [
        ("loosened", '#/required: "count" is gone: it may be missing')
    ]


def test_a_version_that_promises_less_is_refused(host: Host, image: Image) -> None:
    """An agent reads `count` of every answer."""
    tool: Any = host.load(image("v2"))

    with pytest.raises(ContractError, match=r"#/required.*count"):
        host.reload("agent_tool", image("vague"))

    assert (tool.version, ask(tool, op="summary")) == ("1.1.0", {"ok": True, "count": 0})


def test_an_answer_that_breaks_the_promise_is_told_with_its_place(
    host: Host, image: Image, violations: list[HostEvent], caplog: pytest.LogCaptureFixture
) -> None:
    """In development mode; the caller gets the answer as it is, from `await` and from a pin as well."""
    import asyncio

    tool: Any = host.load(image("lying"))
    request = b'{"op": "summary"}'

    async def ask_aio() -> str:
        answer: str = await tool.aio.call(request, len(request))
        return answer

    with tool.pin() as pinned:
        answers = [tool.call(request, len(request)), asyncio.run(ask_aio()), pinned.call(request, len(request))]

    assert answers == ['{"ok": 1, "count": -1}'] * 3
    assert [set(event.facts["violations"]) for event in violations] == [
        {
            "/ok: 1 is not of type 'boolean' (#/properties/ok/type)",
            "/count: -1 is less than the minimum of 0 (#/properties/count/minimum)",
        }
    ] * 3
    assert violations[0].facts["function"] == "call"
    assert "call broke its output schema" in caplog.text


def test_without_development_mode_nothing_is_looked_at(image: Image) -> None:
    """The call path is the one that is measured."""
    with Host() as host:
        host.on("output.violation", lambda event: pytest.fail(str(event)))
        tool: Any = host.load(image("lying"))

        assert ask(tool, op="summary") == {"ok": 1, "count": -1}
        assert not isinstance(tool.call, CheckedCall)


NONE = (
    (b"", "a request is an object"),
    (b"{", "a text is missing"),
    (b"[]", "a request is an object"),
    (b"{}", "op must be add, summary or reset"),
    (b'{"op":"add"}', "values belong to add"),
    (b'{"op":"summary","values":[]}', "values belong to add"),
    (b'{"op":"add","op":"add"}', "a key is unknown, or stands twice"),
    (b'{"op":"add","values":[1,]}', "a number is missing"),
    (b'{"op":"add","values":[01]}', "too many digits"),
    (b'{"op":"add","values":[NaN]}', "a number is missing"),
    (b'{"op":"add","values":[1e101]}', "beyond 1e100"),
    (b'{"op":"add","values":[' + b"1" * 100 + b"]}", "too many digits"),
    (b'{"op":"add","values":[[' + b"[" * 10_000, "a number is missing"),
    (b'{"op":"\\u0061dd"}', "holds an escape"),
    (b'{"op":"\xff"}', "op must be"),
    (b'{"op":"add"}\x00', "something follows"),
    (b'{"op":"' + b"x" * 10_000 + b'"}', "too long"),
)


def test_a_request_that_is_none_is_answered_with_a_reason_and_changes_nothing(host: Host, image: Image) -> None:
    """An agent writes what a model said: it may be anything."""
    tool: Any = host.load(image("v1"))

    for request, why in NONE:
        answer = json.loads(tool.call(request, len(request)))
        assert (answer["ok"], answer["count"], why in answer["error"]) == (False, 0, True), (request, answer)
        assert promise(1).is_valid(answer)


def test_create_is_given_the_default_and_a_config_that_breaks_its_schema_is_refused(host: Host, image: Image) -> None:
    """What was checked is what create gets; what was configured stays as it was told."""
    tool: Any = host.load(image("v1"))
    assert ask(tool, op="add", values=[1] * 256)["ok"]
    assert not ask(tool, op="add", values=[1] * 257)["ok"]

    with pytest.raises(ConfigError, match=r"/most_values: 0 is less than the minimum of 1 \(#/properties/most_values"):
        host.configure("agent_tool", {"most_values": 0})
    host.configure("agent_tool", {"most_values": 1})

    assert not ask(tool, op="add", values=[1, 1])["ok"]
    assert ask(tool, op="add", values=[1])["count"] == 257


def test_the_next_version_s_default_counts_where_nothing_was_configured(host: Host, image: Image) -> None:
    """What was filled in is not what was configured: else the first version's default would stay for ever."""
    tool: Any = host.load(image("v1"))
    assert ask(tool, op="add", values=[1, 1])["ok"]

    host.reload("agent_tool", image("narrow"))
    assert not ask(tool, op="add", values=[1, 1])["ok"]

    host.rollback("agent_tool")
    assert ask(tool, op="add", values=[1, 1])["ok"]


@pytest.mark.full
def test_dev_shows_an_answer_that_breaks_the_promise(tmp_path: pathlib.Path) -> None:
    """What an author saves is held against the schema beside it with every call."""
    folder = tmp_path / "tool"
    shutil.copytree(TOOL / "v2", folder)
    lying(folder)
    with DevProcess(folder, "--call", """call(b'{"op": "summary"}')""") as dev:
        said = dev.wait_for("output", "call_failed", "refused")
        dev.wait_for("called")
        code, errors = dev.stop()

    assert (said["function"], len(said["violations"]), code, errors) == ("call", 2, 143, "")
