"""Whether a config is what the plugin's author said a config is, and what create is given: with its defaults filled in.

The schema comes out of the descriptor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.config_values import CONFIG_LIMIT, ConfigTooLargeError, fill_defaults, json_complaints
from hotgraft.core.errors import ConfigError, ManifestError
from hotgraft.core.schema_check import COMPLAINTS_LIMIT, SENTENCE_LIMIT, schema_complaints
from hotgraft.core.schema_refs import inner_schemas
from hotgraft.core.sentences import printable
from hotgraft.engine.validating import CHECK_STEPS, Spending, TooMuchError, violations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.schema_terms import Schema

__all__ = ["config_schema_complaints", "config_text", "filled_configs"]

VIOLATIONS_MAX: Final = 20


def config_text(config: Mapping[str, Any] | None) -> str:
    """Return a config as the JSON object that is kept, and checked.

    Raises:
        ConfigError: something in it has no JSON form; each such place by its JSON Pointer. TypeError: it is no mapping.
    """
    if config is not None and not isinstance(config, Mapping):
        raise TypeError(
            f"a config is a mapping of names to values, such as {{'rate': 48000}}, not {type(config).__name__}"
        )
    value = dict(config or {})
    found = json_complaints(value)
    text = "" if found else json.dumps(value, allow_nan=False, sort_keys=True)
    if len(text) > CONFIG_LIMIT:
        found = (f"has {len(text)} bytes; a config ends at {CONFIG_LIMIT}",)
    if found:
        raise ConfigError("write it as JSON", on="config", found=found)
    return text


def filled_configs(plugin: str, schema: Mapping[str, Any], configs: Mapping[str, str]) -> dict[str, str]:
    """Return the config of each instance as create is given it: with the defaults of `schema`, and checked against it.

    Args:
        plugin: its name, for the refusal.
        schema: of the candidate; an empty one allows everything and fills in nothing.
        configs: as JSON text, by instance.

    Raises:
        ConfigError: with every violation, each with the JSON Pointer (RFC 6901) of the value and that of the rule.
        ManifestError: `schema` is no JSON Schema, or one that is not followed.
    """
    if not schema:
        return dict(configs)
    if complaints := config_schema_complaints(schema):
        raise ManifestError(
            "read its config schema",
            on=plugin,
            found=complaints,
            advice="mend [config] in plugin.toml, then build again",
        )
    filled: dict[str, str] = {}
    found: list[str] = []
    for instance, text in configs.items():
        value, wrong = _filled(schema, json.loads(text))
        found += [f"{instance}: {one}" if len(configs) > 1 else one for one in wrong]
        filled[instance] = json.dumps(value, sort_keys=True)
    if found:
        more = [f"and {len(found) - VIOLATIONS_MAX} more"] if len(found) > VIOLATIONS_MAX else []
        raise ConfigError(
            "take its config",
            on=plugin,
            found=[printable(one, SENTENCE_LIMIT) for one in found[:VIOLATIONS_MAX] + more],
            advice="give what [config] in its plugin.toml asks for; `hotgraft inspect --json` shows it",
        )
    return filled


def config_schema_complaints(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every reason why `schema` is no schema of a config; a default that breaks its own schema is one."""
    if complaints := schema_complaints(schema):
        return complaints
    found: list[str] = []
    spending = Spending(CHECK_STEPS)
    try:
        for place, part in _with_defaults(schema, ""):
            value = fill_defaults(schema, json.loads(json.dumps(part["default"])), spending.spend, of=part)
            wrong = violations_of(schema, value, spending=spending, of=part)
            found += [f"#{place}/default: breaks its own schema: {one}" for one in wrong]
    except (TooMuchError, ConfigTooLargeError) as error:
        found.append(f"#: its defaults: {error}")
    return tuple(printable(one, SENTENCE_LIMIT) for one in found[:COMPLAINTS_LIMIT])


def _with_defaults(schema: Schema, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict) and "default" in schema:
        yield place, schema
    for part, inner in inner_schemas(schema):
        yield from _with_defaults(inner, place + part)


def _filled(schema: Mapping[str, Any], config: Any) -> tuple[Any, list[str]]:
    """Return the config with its defaults, and what is wrong with it."""
    spending = Spending(CHECK_STEPS)
    try:
        value = fill_defaults(schema, config, spending.spend)
        return value, [str(one) for one in violations_of(schema, value, spending=spending)]
    except (TooMuchError, ConfigTooLargeError) as error:
        return config, [str(error)]
