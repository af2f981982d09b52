"""`hotgraft new`: a plugin's folder from a template, whole or not at all.

The folder is written under another name beside its own and put in place in one step; whatever goes wrong before
leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import hotgraft
from hotgraft.core.errors import BindError, ManifestError
from hotgraft.engine.new_interface import interface_refusal, read_interfaces, source_parts
from hotgraft.engine.new_names import interface_name, name_refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.engine.new_interface import Offered

__all__ = ["new_plugin"]

TEMPLATES: Final = "templates"


def new_plugin(name: str, where: Path, *, is_cpp: bool = False, interface: Path | None = None) -> tuple[Path, ...]:
    """Make folder `name` in `where` and return its files.

    Args:
        name: of the plugin and of the folder.
        where: a folder that exists.
        is_cpp: C++ instead of C.
        interface: an interface header that exists already; the plugin implements it. None: a new one.

    Raises:
        ManifestError: the name cannot be a plugin's. BindError: the interface cannot be one. FileExistsError: there is
            something of that name already, and it was left alone.
    """
    refusals = name_refusals(name)
    if refusals:
        raise ManifestError(
            "begin a plugin",
            on=name,
            found=refusals,
            advice="choose another name: a to z, then a to z, 0 to 9, _ and -",
            running="nothing was written",
        )
    texts = _texts(name, is_cpp=is_cpp) if interface is None else _texts_for(name, interface, is_cpp=is_cpp)
    return _put(where / name, texts, interface)


def _texts(name: str, *, is_cpp: bool) -> dict[str, str]:
    """Return the files of a plugin with an interface and a state of its own, by name."""
    offered = interface_name(name)
    source = f"{name}.cpp" if is_cpp else f"{name}.c"
    values = _values(name, offered, source, is_cpp=is_cpp)
    template = "cpp/source.cpp" if is_cpp else "c/source.c"
    return {
        "plugin.toml": _filled("both/plugin.toml", values),
        f"{offered}.h": _filled("both/interface.h", values),
        source: _filled(template, values),
        values["test"]: _filled("both/test.py", values),
        "CMakeLists.txt": _filled("both/CMakeLists.txt", values),
        "README.md": _filled("both/README.md", values),
    }


def _texts_for(name: str, interface: Path, *, is_cpp: bool) -> dict[str, str]:
    """Return the files of a plugin that implements the interfaces of a header, by name."""
    try:
        text = interface.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise interface_refusal(str(interface), [getattr(error, "strerror", None) or str(error)]) from None
    offered = read_interfaces(text, interface)
    source = f"{name}.cpp" if is_cpp else f"{name}.c"
    values = _values(name, interface.stem, source, is_cpp=is_cpp)
    values |= source_parts(offered, is_cpp=is_cpp)
    values |= {"provides": _provides(offered, interface.name), "header": interface.name}
    values["names"] = ", ".join(f'"{one.name}"' for item in offered for one in item.functions)
    kind = "cpp/interface_source.cpp" if is_cpp else "c/interface_source.c"
    return {
        "plugin.toml": _filled("both/interface_plugin.toml", values),
        interface.name: text,
        source: _filled(kind, values),
        values["test"]: _filled("both/interface_test.py", values),
        "CMakeLists.txt": _filled("both/CMakeLists.txt", values),
        "README.md": _filled("both/interface_README.md", values),
    }


def _values(name: str, interface: str, source: str, *, is_cpp: bool) -> dict[str, str]:
    return {
        "name": name,
        "interface": interface,
        "GUARD": interface.upper(),
        "source": source,
        "test": f"test_{interface_name(name)}.py",
        "LANGUAGE": "CXX" if is_cpp else "C",
    }


def _provides(offered: tuple[Offered, ...], header: str) -> str:
    return "\n".join(
        f'[provides.{item.interface}]\nversion = "{item.version[0]}.{item.version[1]}"\nheader = "{header}"\n'
        for item in offered
    )


def _filled(template: str, values: Mapping[str, str]) -> str:
    places = [Path(root) / TEMPLATES / f"{template}.in" for root in hotgraft.__path__]
    text = next(place for place in places if place.is_file()).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def _put(folder: Path, texts: Mapping[str, str], interface: Path | None) -> tuple[Path, ...]:
    """Write `texts` into `folder`, which must not be there, in one step."""
    folder.mkdir()  # ours from here on, or FileExistsError
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        if interface is not None:
            _check_binds(partial, interface)
        partial.chmod(0o777 & ~_umask())
        partial.rename(folder)  # over the empty one: rename(2)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        folder.rmdir()
        raise
    return tuple(folder / name for name in texts)


def _check_binds(folder: Path, interface: Path) -> None:
    from hotgraft.engine.bind import bind

    try:
        bind(folder / "plugin.toml")
    except BindError as error:
        found = [one.replace(f"{folder}{os.sep}", "") for one in error.found]
        raise interface_refusal(str(interface), found) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
