"""Whether a config is what the plugin's author said a config is: its JSON Schema, out of the descriptor.

The schema comes out of an image, so it may be anybody's: nothing it refers to is fetched.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import ConfigError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_configs", "schema_complaint"]

VIOLATIONS_MAX: Final = 20


def check_configs(plugin: str, schema: Mapping[str, Any], configs: Mapping[str, str]) -> None:
    """Hold the config of each instance, as JSON text, against `schema`; an empty one allows everything.

    Raises:
        ConfigError: with every violation, by instance and key. ManifestError: `schema` is no JSON Schema.
    """
    if not schema:
        return
    complaint = schema_complaint(schema)
    if complaint:
        raise ManifestError(
            "read its config schema",
            on=plugin,
            found=complaint,
            advice="mend [config] in plugin.toml, then build again",
        )
    found = [
        f"{instance}: {violation}" if len(configs) > 1 else violation
        for instance, text in configs.items()
        for violation in _violations(schema, json.loads(text))
    ]
    if found:
        more = [f"and {len(found) - VIOLATIONS_MAX} more"] if len(found) > VIOLATIONS_MAX else []
        raise ConfigError(
            "take its config",
            on=plugin,
            found=found[:VIOLATIONS_MAX] + more,
            advice="give what [config] in its plugin.toml asks for; `hotgraft inspect --json` shows it",
        )


def schema_complaint(schema: Mapping[str, Any]) -> str:
    """Return why `schema` is no JSON Schema; empty: it is one."""
    from jsonschema import Draft202012Validator, SchemaError  # 60 ms: only for who has a schema

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{_place(error.absolute_path)}: {error.message}"
    except RecursionError:
        return "is nested too deep"
    return ""


def _violations(schema: Mapping[str, Any], config: object) -> list[str]:
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = Draft202012Validator(schema, registry=Registry())  # an empty one fetches nothing
    try:
        errors = sorted(validator.iter_errors(config), key=lambda error: [str(one) for one in error.absolute_path])
    except RecursionError:
        return ["is nested too deep, or the schema refers to itself for ever"]
    except Unresolvable as error:
        return [f"the schema refers to what it does not hold: {error}"]
    return [f"{_place(error.absolute_path)}: {error.message}" for error in errors]


def _place(path: Any) -> str:
    """`gain.bands[2]`, as people write it."""
    text = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return text.removeprefix(".") or "the config"
