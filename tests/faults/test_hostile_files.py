"""Files that are hostile themselves, given to a live host: refused, and what served serves on."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Final

import pytest
from hotgraft import Host, ManifestError
from hotgraft.core.descriptor_shape import SIZE_LIMIT
from sample_plugins import PLAIN, ROOT, SOURCES, note_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_plugins import Workshop

HEAD: Final = b'[plugin]\nname = "gain"\nversion = "1.0.0"\n'
SOUND: Final = json.dumps(PLAIN.descriptor).encode()
MANIFESTS: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "100 MB": (lambda: HEAD + b"#" * (100 << 20), "has more than 131072 bytes"),
    "10,000 deep": (lambda: HEAD + b"a = " + b"[" * 10_000, "is nested deeper than 32"),
    "a key twice": (lambda: HEAD + b'name = "again"', "Cannot overwrite a value"),
    "a byte order mark": (lambda: b"\xef\xbb\xbf" + HEAD, "begins with a byte order mark"),
    "bad UTF-8": (lambda: HEAD + b"# \xff", "is not UTF-8: byte 0xff"),
}
DESCRIPTORS: Final[dict[str, tuple[bytes, str]]] = {
    "1 MB": (SOUND + b" " * (1 << 20), f"has more than {SIZE_LIMIT} bytes"),
    "10,000 deep": (b'{"a":' + b"[" * 10_000, "is nested deeper than 64"),
    "a key twice": (SOUND[:-1] + b', "name": "plain"}', "the key 'name' stands twice"),
    "a byte order mark": (b"\xef\xbb\xbf" + SOUND, "BOM"),
    "bad UTF-8": (SOUND + b"\xff", "is not UTF-8: byte 0xff"),
    "a name for a terminal": (SOUND.replace(b'"plain"', b'"\\u001b[2J"', 1), "has the name '\\x1b[2J'"),
}


def image_with(descriptor: bytes, folder: Path) -> Path:
    """Compile a sound plugin that says this of itself."""
    (folder / "counter_descriptor.h").write_text(note_source(descriptor))
    command = ["cc", "-std=c11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-Wl,-z,now", "-DPLAIN_DESCRIPTOR"]
    command += [f"-I{ROOT / 'abi'}", f"-I{folder}", *PLAIN.defines, str(SOURCES / "plain.c")]
    subprocess.run([*command, "-o", str(folder / "plain.so")], check=True)
    return folder / "plain.so"


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_hostile_manifest_is_refused_and_what_served_serves(
    host: Host, build: Workshop, tmp_path: Path, name: str
) -> None:
    """FAULTS C07: whoever writes a plugin.toml must not be able to hold up the host that is pointed at it."""
    make, said = MANIFESTS[name]
    plain = host.load(build(PLAIN))
    (tmp_path / "plugin.toml").write_bytes(make())

    with pytest.raises(ManifestError) as caught:
        host.reload("plain", tmp_path / "plugin.toml")

    assert said in str(caught.value)
    assert plain.add(1, 2) == 3
    assert host["plain"].generation == 1


@pytest.mark.parametrize("name", [pytest.param(one, marks=pytest.mark.full) for one in DESCRIPTORS])
def test_an_image_with_a_hostile_descriptor_is_refused_and_what_served_serves(
    host: Host, build: Workshop, tmp_path: Path, name: str
) -> None:
    """FAULTS C07: the descriptor comes out of an image, and an image may be anybody's."""
    descriptor, said = DESCRIPTORS[name]
    plain = host.load(build(PLAIN))

    with pytest.raises(ManifestError) as caught:
        host.reload("plain", image_with(descriptor, tmp_path))

    assert said in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()
    assert "generation 1 still serves" in str(caught.value)
    assert plain.add(1, 2) == 3
