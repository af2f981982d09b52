"""Images of as many plugins as a test wants: compiled once for each shape, then copied with other words in the bytes.

A node is a plugin named ``node007`` that provides one interface of the same name and calls up to three others
(`tests/plugins/many_node.c`). What it answers tells which node and which build it was: `stamp_of`.
"""

from __future__ import annotations

import functools
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kept_images import compiler_bytes, header_bytes, kept_folder
from sample_plugins import ROOT, function, parameter

if TYPE_CHECKING:
    from pathlib import Path

SOURCE: Final = ROOT / "tests" / "plugins" / "many_node.c"
DESCRIPTOR_BYTES: Final = 4096
NEEDS_MAX: Final = 3
BUILDS: Final = 1_000
FLAGS: Final = ("-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,now", "-Wl,-s")

_STAMP: Final = (0x5AFE57A3C0DE57A3).to_bytes(8, "little")
_FUNCTIONS: Final = (
    function("add", 8, "i64", parameter("by", "i64")),
    function("stamp", 16, "i64"),
    function(
        "ask",
        24,
        "i64",
        parameter("seen", "i64", pointer=1, direction="out", count="n"),
        parameter("n", "u64"),
    ),
)


@dataclass(frozen=True, slots=True)
class Node:
    """One build of one plugin of a graph.

    Args:
        number: which plugin, 0 to 999.
        build: which build of it, 0 to 999; the last part of its version.
        needs: the plugins it calls, in that order; three at most.
        majors: of each of them, the major version that it needs; of who is not said, 1.
        major: its own interface's; the first part of its version.
        has_state: its count is handed over from build to build; without, each build begins with 0.
    """

    number: int
    build: int = 0
    needs: tuple[int, ...] = ()
    has_state: bool = True
    major: int = 1
    majors: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Return the plugin's name, and its interface's."""
        return name_of(self.number)

    @property
    def stamp(self) -> int:
        """Return what it answers."""
        return stamp_of(self.number, self.build)

    @property
    def version(self) -> str:
        """Return the version it declares."""
        return f"{self.major}.0.{self.build}"

    @property
    def needed(self) -> dict[int, int]:
        """Return the plugins it calls, each with the major version that it needs."""
        return dict(zip(self.needs, self.majors or (1,) * len(self.needs), strict=True))

    @property
    def descriptor(self) -> dict[str, Any]:
        """Return what the image says of itself."""
        return {
            "hotgraft": 1,
            "name": self.name,
            "version": self.version,
            "abi": [1, 0],
            "provides": [
                {
                    "interface": self.name,
                    "version": [self.major, 0],
                    "struct": "many_v1",
                    "bytes": 32,
                    "functions": _FUNCTIONS,
                }
            ],
            "requires": [
                {"interface": name_of(number), "range": f"^{major}.0", "optional": False}
                for number, major in self.needed.items()
            ],
            "structs": {},
            "state": {
                "kind": "single" if self.has_state else "none",
                "schema": 1 if self.has_state else 0,
                "layout_id": 41 if self.has_state else 0,
                "handover": self.has_state,
                "save": False,
            },
            "config_schema": {},
            "pins": "wait",
        }


def name_of(number: int) -> str:
    """Return the name of plugin `number`."""
    return f"node{number:03}"


def stamp_of(number: int, build: int) -> int:
    """Return what a build of a plugin answers; never 0."""
    return (number + 1) * BUILDS + build


class ManyImages:
    """Makes images in a folder, each once; it remembers none, so that what a test measures is not its own.

    Thread safety: one thread.
    """

    def __init__(self, folder: Path, kept: Path) -> None:
        self._folder = folder
        self._kept = kept
        self._template = functools.cache(self._compiled)

    def __call__(self, node: Node) -> Path:
        """Return the path of the node's image."""
        needs = "".join(f".{number}-{major}" for number, major in node.needed.items())
        path = self._folder / f"{node.name}.{node.major}.{node.build}.{int(node.has_state)}{needs}.so"
        if not path.exists():
            path.write_bytes(self._code_of(node))
            path.chmod(0o755)
        return path

    def _code_of(self, node: Node) -> bytes:
        text = json.dumps(node.descriptor, separators=(",", ":")).encode()
        assert len(text) <= DESCRIPTOR_BYTES, f"{node.name}: its descriptor is too long"
        words = {
            b"MANY_DESCRIPTOR".ljust(DESCRIPTOR_BYTES, b"\0"): text.ljust(DESCRIPTOR_BYTES),
            b"node___/_\0": f"{node.name}/{node.major}\0".encode(),
            _STAMP: node.stamp.to_bytes(8, "little"),
        }
        for at, (number, major) in enumerate(node.needed.items()):
            words |= {f"need_{at}_\0".encode(): f"{name_of(number)}\0".encode()}
            words |= {f"^_.{at}\0".encode(): f"^{major}.0\0".encode()}
        code = self._template(len(node.needs), node.has_state)
        for old, new in words.items():
            assert old in code, f"the compiler hid {old[:20]!r}"
            code = code.replace(old, new)
        return code

    def _compiled(self, needs: int, has_state: bool) -> bytes:
        command = ["cc", *FLAGS, f"-DMANY_NEEDS={needs}", *(["-DMANY_STATE"] if has_state else [])]

        def compile_into(folder: Path) -> None:
            places = [f"-I{ROOT / 'abi'}", str(SOURCE), "-o", str(folder / "node.so")]
            subprocess.run([*command, *places], check=True)

        parts = [compiler_bytes(command[0]), header_bytes(), SOURCE.read_bytes(), *(one.encode() for one in command)]
        return (kept_folder(self._kept, parts, compile_into) / "node.so").read_bytes()
