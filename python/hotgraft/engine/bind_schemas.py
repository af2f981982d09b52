"""The JSON Schemas that a manifest names, read into the descriptor: of its config, and of what its functions return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.schema_check import SCHEMA_LIMIT, schema_complaints
from hotgraft.engine.config import config_schema_complaints

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotgraft.core.manifest import Manifest

__all__ = ["config_schema", "output_schemas", "schema_files"]


def schema_files(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the files that hold schemas, beside the manifest."""
    return (manifest.config_schema_file, *(one for one in manifest.outputs.values() if isinstance(one, str)))


def config_schema(manifest: Manifest, folder: Path, on: str, complaints: list[str]) -> dict[str, Any]:
    """Return the schema of the config, empty where there is none; add what is wrong to `complaints`."""
    given = manifest.config_schema_file or manifest.config_schema
    if not given:
        return {}
    schema = _schema(given, folder, complaints)
    complaints += [f"{on}: config.schema is no JSON Schema: {one}" for one in config_schema_complaints(schema)]
    return schema


def output_schemas(manifest: Manifest, folder: Path, on: str, complaints: list[str]) -> dict[str, dict[str, Any]]:
    """Return the schema of each output by ``interface.function``; add what is wrong to `complaints`."""
    schemas: dict[str, dict[str, Any]] = {}
    for name, given in sorted(manifest.outputs.items()):
        schemas[name] = _schema(given, folder, complaints)
        found = schema_complaints(schemas[name])
        complaints += [f"{on}: outputs.{name} is no JSON Schema: {one}" for one in found]
    return schemas


def _schema(given: Mapping[str, Any] | str, folder: Path, complaints: list[str]) -> dict[str, Any]:
    return _read(folder / given, complaints) if isinstance(given, str) else dict(given)


def _read(path: Path, complaints: list[str]) -> dict[str, Any]:
    from hotgraft.core.descriptor_shape import read_json  # with msgspec: for who has a schema

    try:
        with path.open("rb") as file:
            data = file.read(SCHEMA_LIMIT + 1)
        if len(data) > SCHEMA_LIMIT:
            raise ValueError(f"a schema ends at {SCHEMA_LIMIT} bytes")
        schema = read_json(data)
    except RecursionError:
        complaints.append(f"{path}: is nested too deep")
        return {}
    except (OSError, ValueError) as error:
        complaints.append(f"{path}: {error}")
        return {}
    if not isinstance(schema, dict):
        complaints.append(f"{path}: a JSON Schema is an object")
        return {}
    return schema
