"""The images of the stress scene: each role compiled once, then copied with a stamp of its own in the code.

What an answer proves is said in plugins/stress_plugin.h. The stamp stands in an instruction, so that 64 images cost one
run of the compiler.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Final

from hotgraft.engine.build import C_FLAGS, CPP_FLAGS, FLAGS, find_compiler, write_bound
from hotgraft.engine.places import include_dir

PLUGINS: Final = Path(__file__).parent / "plugins"
CODES: Final = 64
_CODE: Final = (0x5AFE57A3C0DE57A3).to_bytes(8, "little")


def is_whole(answer: int) -> bool:
    """Tell whether `answer` comes from code and state of one generation."""
    serial = answer >> 8
    return serial != 0 and serial % CODES == answer & 0xFF


def compile_role(role: str, folder: Path) -> Path:
    """Compile the plugin in ``plugins/<role>`` ("ground_c", "hammer"); return its image."""
    copy = folder / role
    shutil.copytree(PLUGINS / role, copy)
    for shared in PLUGINS.glob("*.h*"):
        shutil.copy(shared, folder)
    name = write_bound(copy / "plugin.toml", copy / "build")
    (source,) = [*copy.glob("*.c"), *copy.glob("*.cpp")]
    is_cpp = source.suffix == ".cpp"
    compiler = find_compiler(cpp=is_cpp)
    command = [compiler, *FLAGS, "-Wall", "-Wextra", *(CPP_FLAGS if is_cpp else C_FLAGS), "-pthread"]
    command += [f"-I{include_dir()}", f"-I{copy}", f"-I{copy / 'build'}", "-D_POSIX_C_SOURCE=200809L"]
    command += ["-fno-gnu-unique"] if is_cpp and "clang" not in compiler else []
    image = copy / f"{name}.so"
    subprocess.run([*command, str(source), "-o", str(image)], check=True)
    return image


class Role:
    """One plugin of the scene with all its images.

    Thread safety: `next` by one thread.
    """

    def __init__(self, name: str, language: str, folder: Path) -> None:
        self.name = name
        self._images = tuple(_stamped(compile_role(f"{name}_{language}", folder)))
        self._serials = itertools.count(1)

    def next(self) -> tuple[Path, dict[str, int]]:
        """Return an image and a config that belong together and were never given together before."""
        serial = next(self._serials)
        return self._images[serial % CODES], {"serial": serial}


def _stamped(image: Path) -> list[Path]:
    code = image.read_bytes()
    assert _CODE in code, f"{image}: the compiler hid the stamp"
    images = []
    for number in range(CODES):
        stamped = image.with_suffix(f".{number}.so")
        stamped.write_bytes(code.replace(_CODE, number.to_bytes(8, "little")))
        stamped.chmod(0o755)
        images.append(stamped)
    return images
