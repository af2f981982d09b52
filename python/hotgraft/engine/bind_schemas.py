"""The JSON Schemas that a manifest names, read into the descriptor: of its config, and of what its functions return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotgraft.engine.config import schema_complaint

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
    return _schema(given, "config.schema", folder, on, complaints) if given else {}


def output_schemas(manifest: Manifest, folder: Path, on: str, complaints: list[str]) -> dict[str, dict[str, Any]]:
    """Return the schema of each output by ``interface.function``; add what is wrong to `complaints`."""
    return {
        name: _schema(given, f"outputs.{name}", folder, on, complaints)
        for name, given in sorted(manifest.outputs.items())
    }


def _schema(given: Mapping[str, Any] | str, where: str, folder: Path, on: str, complaints: list[str]) -> dict[str, Any]:
    schema = _read(folder / given, complaints) if isinstance(given, str) else dict(given)
    if complaint := schema_complaint(schema):
        complaints.append(f"{on}: {where} is no JSON Schema: {complaint}")
    return schema


def _read(path: Path, complaints: list[str]) -> dict[str, Any]:
    from hotgraft.core.descriptor_shape import read_json  # with msgspec: for who has a schema

    try:
        schema = read_json(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        complaints.append(f"{path}: {error}")
        return {}
    if not isinstance(schema, dict):
        complaints.append(f"{path}: a JSON Schema is an object")
        return {}
    return schema
