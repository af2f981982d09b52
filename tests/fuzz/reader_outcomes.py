"""What may come of giving bytes to a reader: a value that the rest can take, or a refusal that can be shown.

Called by the properties and by the coverage-guided targets alike; an AssertionError, or whatever else comes out, is a
finding.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hotgraft.core.call_types import call_description
from hotgraft.core.descriptor import read_descriptor, write_descriptor
from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.errors import ConfigError, ContractError, ManifestError
from hotgraft.core.manifest import read_manifest
from hotgraft.core.schema_check import schema_complaints
from hotgraft.core.settings import make_settings, read_settings
from hotgraft.core.side import side_of
from hotgraft.core.surface_descriptor import surface_of
from hotgraft.engine.config import filled_configs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hotgraft.core.errors import HotgraftError

SAID_LIMIT: Final = 2_000  # characters


def check_descriptor(data: bytes) -> bool:
    """Read a descriptor; one that is taken is written back as it was read. Return whether it was taken."""
    try:
        descriptor = read_descriptor(data)
    except ManifestError as error:
        check_refusal(error)
        return False
    written = write_descriptor(descriptor)
    assert read_descriptor(written) == descriptor
    assert write_descriptor(read_descriptor(written)) == written
    side_of(descriptor)
    surface_of(descriptor)
    try:
        call_description(descriptor, descriptor.name, catches_crashes=False)
    except ContractError as error:  # names that Python has for itself
        assert error.found
    return True


def check_manifest(data: bytes) -> bool:
    """Read a manifest; what is taken can go into a descriptor. Return whether it was taken."""
    try:
        manifest = read_manifest(data)
    except ManifestError as error:
        check_refusal(error)
        return False
    json.dumps([manifest.config_schema, dict(manifest.outputs)], allow_nan=False)
    return True


def check_settings(data: bytes) -> bool:
    """Read settings; what is taken makes a host's settings, and can be shown. Return whether it was taken."""
    try:
        file = read_settings(data, path="hotgraft.toml")
    except ConfigError as error:
        check_refusal(error)
        return False
    json.dumps(make_settings({}, {}, file).as_dict(), allow_nan=False)
    return True


def check_schema(data: bytes) -> bool:
    """Read a schema of a config and hold an empty config against it. Return whether it is one that is followed."""
    try:
        schema = read_json(data)
    except ValueError as error:
        assert str(error)
        return False
    complaints = schema_complaints(schema)
    check_sentences(complaints)
    if complaints or not isinstance(schema, dict):
        return False
    check_config(json.dumps({"schema": schema, "config": {}}).encode())
    return True


def check_config(data: bytes) -> bool:
    """Hold ``config`` against ``schema``; what is taken is filled in, and is then taken as it is. Return whether."""
    try:
        both = read_json(data)
    except ValueError:
        return False
    if not isinstance(both, dict) or not all(isinstance(both.get(one), dict) for one in ("schema", "config")):
        return False
    schema, config = both["schema"], json.dumps(both["config"])
    try:
        filled = filled_configs("gain", schema, {"main": config})
        again = filled_configs("gain", schema, filled)
    except (ConfigError, ManifestError) as error:
        check_sentences(error.found)
        return False
    assert isinstance(json.loads(filled["main"]), dict)
    assert json.loads(again["main"]) == json.loads(filled["main"])
    return True


def check_sentences(found: Sequence[str]) -> None:
    """Hold what was found to what can be shown."""
    assert all(found), found
    assert all(one.isprintable() for one in found), repr(found)


def check_refusal(error: HotgraftError) -> None:
    """Hold a refusal to what every one must be."""
    text = str(error)
    assert error.found
    assert all(error.found), error.found
    assert len(text) <= SAID_LIMIT, len(text)
    assert text.replace("\n", "").isprintable(), repr(text)


CHECKS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "descriptor": check_descriptor,
    "manifest": check_manifest,
    "settings": check_settings,
    "schema": check_schema,
    "config": check_config,
}
