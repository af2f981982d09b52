"""`hotgraft.toml`: its schema, and which source of a value wins."""

from __future__ import annotations

import itertools
import re
from typing import Any

import hotgraft
import pytest
from hotgraft.core import settings as module
from hotgraft.core.settings import FileSettings, make_settings, read_settings

FILE = b"""
[host]
swap_deadline_s = 2
[run]
reload = true
[plugins.gain]
image = "gain/build/gain.so"
config = { volume = 0.5 }
[plugins.filter]
image = "/opt/filter.so"
instances = { left = {}, right = { volume = 1.0 } }
grants = ["network", "disk"]
"""


def test_a_file_is_read_and_its_paths_are_beside_it() -> None:
    """Wherever the process was started."""
    file = read_settings(FILE, path="/etc/app/hotgraft.toml")
    assert file.host == {"swap_deadline_s": 2}
    assert file.run == {"reload": True}
    gain, filter_ = file.plugins
    assert (gain.name, gain.image, gain.instances) == ("gain", "/etc/app/gain/build/gain.so", {"main": {"volume": 0.5}})
    assert filter_.image == "/opt/filter.so"
    assert filter_.instances == {"left": {}, "right": {"volume": 1.0}}
    assert (gain.grants, filter_.grants) == ((), ("disk", "network"))


def test_the_schema_in_the_docstring_is_the_schema() -> None:
    """What people copy must be taken."""
    text = re.search(r"::\n\n(.*?)\n\nA file", module.__doc__ or "", re.DOTALL)
    assert text is not None
    lines = "\n".join(line[4:] for line in text[1].splitlines())
    with pytest.raises(hotgraft.ConfigError) as caught:
        read_settings(lines.encode(), path="x.toml")
    assert caught.value.found == ("plugins.gain.config: stands beside instances, which have a config each",)
    one = re.sub(r"instances.*", "", lines)
    assert read_settings(one.encode(), path="x.toml").plugins[0].name == "gain"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[hots]", '"host"'),
        ("[host]\nswap_deadlines = 1", '"swap_deadline_s"'),
        ("[host]\nswap_deadline_s = 0", "host.swap_deadline_s is 0"),
        ("[run]\nrelaod = true", '"reload"'),
        ("[run]\nreload = 1", "true or false"),
        ("[plugins.gain]\nimgae = 'x'", '"image"'),
        ("[plugins.gain]", "image: is missing"),
        ("[plugins.Gain]\nimage = 'x'", "is no name"),
        ("[plugins.gain]\nimage = 'x'\nconfig = 1", "must be a table"),
        ("[plugins.gain]\nimage = 'x'\nconfig = { at = 1979-05-27 }", "JSON"),
        ("[plugins.gain]\nimage = 'x'\ngrants = 'network'", "plugins.gain.grants: must be an array of strings"),
        ("[plugins.gain]\nimage = 'x'\ngrants = ['Net']", "'Net' is no name"),
        ("[plugins", "Expected"),
        ("a = [" * 100, "nested"),
    ],
)
def test_what_breaks_the_schema_is_named(text: str, word: str) -> None:
    """With the nearest name that is one."""
    with pytest.raises(hotgraft.ConfigError) as caught:
        read_settings(text.encode(), path="hotgraft.toml")
    assert word in str(caught.value)
    assert "hotgraft.toml" in str(caught.value)


def test_every_violation_is_found() -> None:
    """An operator mends them in one go."""
    with pytest.raises(hotgraft.ConfigError) as caught:
        read_settings(b"x = 1\n[host]\ny = 1\npin_deadline_s = 'a'\n[plugins.gain]\nz = 1", path="f")
    assert len(caught.value.found) == 5


SOURCES: dict[str, tuple[float, str]] = {
    "argument": (1.0, "argument"),
    "environment": (2.0, "$HOTGRAFT_SWAP_DEADLINE_S"),
    "file": (3.0, "f.toml"),
}


@pytest.mark.parametrize("given", [set(one) for size in range(4) for one in itertools.combinations(SOURCES, size)])
def test_argument_before_environment_before_file_before_default(given: set[str]) -> None:
    """Every set of sources; the origin is told."""
    arguments: dict[str, Any] = {"swap_deadline_s": 1.0 if "argument" in given else None}
    environment = {"HOTGRAFT_SWAP_DEADLINE_S": "2"} if "environment" in given else {}
    file = FileSettings("f.toml", {"swap_deadline_s": 3.0} if "file" in given else {})
    settings = make_settings(arguments, environment, file)
    wins = next((one for one in SOURCES if one in given), None)
    value, origin = SOURCES[wins] if wins else (5.0, "default")
    assert settings.options.swap_deadline_s == value
    assert settings.origins["host.swap_deadline_s"] == origin


@pytest.mark.parametrize(("text", "is_on"), [("1", True), ("yes", True), ("0", False), ("off", False), ("", False)])
def test_reload_may_come_from_the_environment(text: str, is_on: bool) -> None:
    """HOTGRAFT_RELOAD=1; an argument can turn it off again."""
    assert make_settings({}, {"HOTGRAFT_RELOAD": text}, FileSettings("f")).reload is is_on
    assert make_settings({"reload": False}, {"HOTGRAFT_RELOAD": text}, FileSettings("f")).reload is False


@pytest.mark.parametrize(
    ("name", "text"),
    [("HOTGRAFT_RELOAD", "maybe"), ("HOTGRAFT_PIN_DEADLINE_S", "soon"), ("HOTGRAFT_PIN_DEADLINE_S", "-1")],
)
def test_a_variable_with_a_wrong_value_is_named(name: str, text: str) -> None:
    """Silence would run with the default."""
    with pytest.raises(hotgraft.ConfigError) as caught:
        make_settings({}, {name: text}, FileSettings("f"))
    assert name in str(caught.value) or "pin_deadline_s is -1.0" in str(caught.value)


def test_images_of_the_command_line_are_loaded_too() -> None:
    """Beside those of the file."""
    settings = make_settings({}, {}, read_settings(FILE, path="f.toml"), ("a.so",))
    assert [entry.image for entry in settings.plugins] == ["gain/build/gain.so", "/opt/filter.so", "a.so"]
    assert settings.origins["plugins.a.so"] == "argument"
    assert set(settings.as_dict()) == set(settings.origins)


def test_what_is_run_is_asked_for_its_health_unless_somebody_says_otherwise() -> None:
    """A host in a program is asked by the program; behind `hotgraft run` there is nobody else."""
    empty = FileSettings("x.toml")
    assert hotgraft.Options().health_every_s == 0
    assert make_settings({}, {}, empty).options.health_every_s == 5
    assert make_settings({}, {"HOTGRAFT_HEALTH_EVERY_S": "0"}, empty).options.health_every_s == 0
    assert make_settings({"health_every_s": 2.0}, {}, empty).options.health_every_s == 2


def test_a_priority_is_a_whole_number_and_shown_where_it_was_given() -> None:
    """It decides who is called: a slip must not pass for none."""
    text = '[plugins.a]\nimage = "a.so"\npriority = 10\n[plugins.b]\nimage = "b.so"\n'
    settings = make_settings({}, {}, read_settings(text.encode(), path="hotgraft.toml"))
    assert [one.priority for one in settings.plugins] == [10, 0]
    assert settings.as_dict()["plugins.a"]["priority"] == 10
    assert "priority" not in settings.as_dict()["plugins.b"]
    with pytest.raises(hotgraft.ConfigError, match="priority: must be a whole number"):
        read_settings(b'[plugins.a]\nimage = "a.so"\npriority = "high"\n', path="hotgraft.toml")
