"""A config that breaks the plugin's own schema, and a schema that is none."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hotgraft import BindError, ConfigError, Host, ManifestError
from hotgraft.engine.build import build_plugin
from sample_plugins import PLAIN, Workshop
from test_error_classes import HEADER, MANIFEST

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"rate": {"type": "integer", "minimum": 1}, "bands": {"type": "array", "items": {"type": "number"}}},
    "required": ["rate"],
    "additionalProperties": False,
}
STRICT = replace(PLAIN, config_schema=SCHEMA)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, ("'rate' is a required property",)),
        ({"rate": 0}, ("/rate: 0 is less than the minimum of 1 (#/properties/rate/minimum)",)),
        ({"rate": "fast", "bands": [1.0, "two"]}, ("/rate: 'fast' is not of type", "/bands/1: 'two' is not of type")),
        ({"rate": 1, "rat": 2}, ("'rat' was unexpected",)),
    ],
)
def test_a_config_that_breaks_the_schema_is_refused_with_every_violation(
    host: Host, build: Workshop, config: dict[str, Any], words: tuple[str, ...]
) -> None:
    """Fault C08: at load, at reload, at configure and for a further instance; what runs keeps its config."""
    image = build(STRICT)
    with pytest.raises(ConfigError) as first:
        host.load(image, config=config)
    assert "plain" not in host
    plain = host.load(image, config={"rate": 1})

    attempts = (
        lambda: host.reload("plain", image, config=config),
        lambda: host.configure("plain", config),
        lambda: host.load("plain", instance="left", config=config),
    )
    for attempt in attempts:
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert all(word in str(caught.value) for word in words), caught.value
        assert (plain.generation, plain.add(2, 3)) == (1, 5)

    assert all(word in str(first.value) for word in words), first.value
    assert first.value.running == "nothing of it is loaded"
    assert host.reload("plain", image).generation > 1  # with the config that was published last
    assert host.configure("plain", {"rate": 2}).outcome == "published"


def test_a_reload_whose_schema_asks_for_more_than_is_configured_is_refused(host: Host, build: Workshop) -> None:
    """Fault C08: the config that runs is the one the next version must be able to take."""
    plain = host.load(build(PLAIN), config={"depth": 1})

    with pytest.raises(ConfigError, match="required property"):
        host.reload("plain", build(replace(STRICT, version="1.0.1")))

    assert (plain.generation, plain.add(2, 3)) == (1, 5)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "no such type"}, "no such type"),
        ({"$ref": "https://example.org/elsewhere.json"}, "nothing is fetched"),
        ({"$ref": "#"}, "for ever"),
        ({"pattern": "(a)\\1"}, "references back"),
        ({"properties": {"rate": {"minimum": 1, "default": 0}}}, "#/properties/rate/default: breaks its own schema"),
    ],
)
def test_a_schema_that_is_none_is_refused_and_nothing_is_fetched(
    host: Host, build: Workshop, schema: dict[str, Any], word: str
) -> None:
    """It comes out of an image, and an image may be anybody's."""
    with pytest.raises(ManifestError, match=re.escape(word)):
        host.load(build(replace(PLAIN, config_schema=schema)))


def test_bind_refuses_a_schema_that_is_none(tmp_path: Any) -> None:
    """The author hears of it when building, not the operator when loading."""
    (tmp_path / "plugin.toml").write_text(MANIFEST + '\n[config.schema]\ntype = "no such type"\n')
    (tmp_path / "gain.h").write_text(HEADER)

    with pytest.raises(BindError, match=r"config\.schema is no JSON Schema"):
        build_plugin(tmp_path)


def test_what_is_said_of_a_config_can_be_shown_in_any_terminal() -> None:
    """So may what somebody configures be anybody's."""
    from hotgraft.core.errors import ConfigError
    from hotgraft.engine.config import filled_configs

    hostile = "\x1b[2J\u202e"
    with pytest.raises(ConfigError) as caught:
        filled_configs("gain", {"additionalProperties": False}, {"main": json.dumps({hostile: hostile})})

    assert all(one.isprintable() for one in caught.value.found), caught.value.found
