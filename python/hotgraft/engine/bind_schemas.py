"""The JSON Schemas that a manifest names, read into the descriptor: of its config, and of what its functions return."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.schema_check import SCHEMA_LIMIT, schema_complaints
from hotgraft.engine.config import config_schema_complaints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hotgraft.core.descriptor import Interface, Returns
    from hotgraft.core.manifest import Manifest

TEXT_TYPES: Final = ("u8", "i8", "void")  # elements of one byte

__all__ = ["config_schema", "output_complaints", "output_schemas", "schema_files"]


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


def output_complaints(
    outputs: Iterable[str], provides: Iterable[Interface], on: str, where: Mapping[str, str]
) -> Iterator[str]:
    """Give why an output has no function that returns it, each with the nearest that could be meant.

    Args:
        outputs: as ``interface.function``.
        provides: what is bound.
        on: the manifest.
        where: the place of each function's declaration, by its name.
    """
    functions = {f"{one.interface}.{function.name}": function for one in provides for function in one.functions}
    fit = [name for name, function in functions.items() if _can_hold_json(function.returns)]
    for name in outputs:
        function = functions.get(name)
        if function is None:
            near = difflib.get_close_matches(name, fit or functions, n=1, cutoff=0.4)
            hint = f'did you mean "{near[0]}"?' if near else "it has none that returns text or bytes"
            yield f"{on}: outputs.{name}: no such function; {hint}"
        elif name not in fit:
            place = where.get(function.name, on)
            yield (
                f"{place.rpartition(':')[0] or on}: outputs.{name}: it returns neither text, a char pointer that is "
                "HOTGRAFT_COPIED or HOTGRAFT_OWNED, nor bytes that are HOTGRAFT_LEASED(n)"
            )


def _can_hold_json(returns: Returns) -> bool:
    return returns.kind == "pointer" and returns.type in TEXT_TYPES


def _schema(given: Mapping[str, Any] | str, folder: Path, complaints: list[str]) -> dict[str, Any]:
    return _read(folder / given, complaints) if isinstance(given, str) else dict(given)


def _read(path: Path, complaints: list[str]) -> dict[str, Any]:
    from hotgraft.core.descriptor_shape import read_json  # brings msgspec: `bind --list` reads no schema

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
