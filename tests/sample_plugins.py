"""Small plugins, compiled on the spot from `tests/plugins/host_*.c`, with descriptors written here.

`hotgraft bind` is not used, so that the host's tests say something about the host alone, and so that a descriptor may
lie where a test wants it to.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kept_images import compiler_bytes, header_bytes, kept_folder

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "tests" / "plugins"
PLACE, ROOM_MIN = b"SAMPLE_DESCRIPTOR", 4096  # where the descriptor goes, and how many bytes there are for it
SHARED_FOLDER = "TESTS_SAMPLES"  # the variable that tells a child where the run compiles to


def parameter(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return one parameter of a function; `more` overrides what a plain scalar has."""
    plain = {"pointer": 0, "direction": None, "count": None, "nullable": False, "const": False}
    return {"name": name, "type": kind, **plain, **more}


def function(
    name: str, offset: int, returns: str, *parameters: dict[str, Any], blocking: bool = False
) -> dict[str, Any]:
    """Return one function; `returns` is "status" or a scalar type."""
    kind = "status" if returns == "status" else "value"
    return {
        "name": name,
        "offset": offset,
        "since": [1, 0],
        "blocking": blocking,
        "idempotent": False,
        "returns": {
            "kind": kind,
            "type": "i32" if kind == "status" else returns,
            "ownership": None,
            "count": None,
        },
        "parameters": list(parameters),
    }


def _block(count: int) -> dict[str, Any]:
    """Return the layout of a block of so many numbers."""
    names = ["count", *(f"spare{index}" for index in range(1, count))]
    fields = [
        {"name": name, "type": "i64", "offset": 8 * index, "bytes": 8, "count": 1} for index, name in enumerate(names)
    ]
    return {"bytes": 8 * count, "align": 8, "fields": fields}


COUNTER = (
    function("add", 8, "i64", parameter("by", "i64")),
    function("build", 16, "i64"),
    function("run", 24, "i64", parameter("address", "u64")),
    function("nap", 32, "status", parameter("ms", "u32"), blocking=True),
    function(
        "say",
        40,
        "status",
        parameter("level", "i32"),
        parameter("text", "u8", pointer=1, direction="in", count="n", const=True),
        parameter("n", "u64"),
    ),
    function("fail", 48, "status", parameter("code", "i32")),
)
TWICE = function("twice", 56, "i64")
CALLER = (function("add_there", 8, "i64", parameter("by", "i64")),)


@dataclass(frozen=True)
class Sample:
    """One variant of a sample plugin."""

    source: str = "host_counter"
    name: str = "counter"
    version: str = "1.0.0"
    build: int = 1
    abi: tuple[int, int] = (1, 0)
    interface: str = "counter"
    interface_version: tuple[int, int] = (1, 0)
    functions: tuple[dict[str, Any], ...] = field(default=COUNTER, hash=False, compare=False)
    hands_over: bool = False
    shares: bool = False  # its block is the host's, and two builds may use it at once
    moves_pins: bool = False
    per_session: bool = False  # hands over, grows and saves are of each session
    copies: bool = False  # says that it writes to the block before it serves
    grows: bool = False  # its block has one more field in each build, and the descriptor says so
    saves: bool = False
    layout: int = 7
    schema: int = 1
    built_schema: int = 0  # what the library says; 0: the truth
    converters: tuple[tuple[int, int, str], ...] = ()  # from schema, to schema, what host_counter.c calls it
    renews: bool = False  # each build has a schema of its own, and converters from all before it
    named: tuple[tuple[int, int], ...] | None = None  # what the descriptor says of them; None: the truth
    more: bool = False
    requires: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    cycle: bool = False  # each of `requires` may be part of a cycle
    flags: tuple[str, ...] = ()
    config_schema: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)
    drain: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)
    features: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()  # features of every provider

    @property
    def defines(self) -> list[str]:
        """Return the compiler's -D arguments."""
        switches = {
            "COUNTER_HANDOVER": self.hands_over,
            "COUNTER_SHARED": self.shares,
            "COUNTER_SAVES": self.saves,
            "COUNTER_MORE": self.more,
            "CALLER_OPTIONAL": self.optional,
        }
        if self.per_session:
            saves = ["-DSESSIONS_SAVES"] if self.saves else []
            own = {"BUILD": self.build, "LAYOUT": self.layout_id, "SPARE": self.spare}
            own["SCHEMA"] = self.built_schema or self.own_schema
            return [*saves, *(f"-DSESSIONS_{name}={number}" for name, number in own.items())]
        numbers: dict[str, int | str] = {"COUNTER_BUILD": self.build, "COUNTER_LAYOUT": self.layout_id}
        numbers |= {"COUNTER_SPARE": self.spare} if self.grows else {}
        rows = " ".join(f"R({before}, {after}, {how})" for before, after, how in self.offered)
        numbers |= {"COUNTER_CONVERTERS": rows} if rows else {}
        numbers["COUNTER_SCHEMA"] = self.built_schema or self.own_schema
        return [f"-D{name}" for name, on in switches.items() if on] + [
            f"-D{name}={number}" for name, number in numbers.items()
        ]

    @property
    def spare(self) -> int:
        """Return how many fields the block has besides the count."""
        return self.build - 1 if self.grows else 0

    @property
    def own_schema(self) -> int:
        """Return the schema of its state."""
        return self.build if self.renews else self.schema

    @property
    def offered(self) -> tuple[tuple[int, int, str], ...]:
        """Return the converters that its library offers."""
        return tuple((one, self.build, "same") for one in range(1, self.build)) if self.renews else self.converters

    @property
    def named_converters(self) -> list[list[int]]:
        """Return the steps that the descriptor names."""
        steps = [one[:2] for one in self.offered] if self.named is None else self.named
        return [list(one) for one in sorted(steps)]

    @property
    def layout_id(self) -> int:
        """Return what its block's layout is known by."""
        return self.layout + self.spare

    @property
    def kind(self) -> str:
        """Return which kind of state it has."""
        kinds = {"session": self.per_session, "concurrent": self.shares, "single": self.hands_over or self.saves}
        return next((kind for kind, is_so in kinds.items() if is_so), "none")

    @property
    def descriptor(self) -> dict[str, Any]:
        """Return what the image says of itself."""
        functions = [*self.functions, *([TWICE] if self.more else [])]
        has_state = self.hands_over or self.saves or self.shares
        is_described = self.grows or self.shares
        return {
            "hotgraft": 1,
            "name": self.name,
            "version": self.version,
            "abi": list(self.abi),
            "provides": [
                {
                    "interface": self.interface,
                    "version": list(self.interface_version),
                    "struct": f"{self.interface}_v1",
                    "bytes": 8 + 8 * len(functions),
                    "functions": functions,
                }
            ],
            "requires": [
                {
                    "interface": name,
                    "range": accepts,
                    "optional": self.optional,
                    **({"features": self.uses} if self.uses else {}),
                    **({"cycle": True} if self.cycle else {}),
                }
                for name, accepts in self.requires
            ],
            "structs": {"counter_state": _block(1 + self.spare)} if is_described else {},
            "state": {
                "kind": self.kind,
                "schema": self.own_schema if has_state else 0,
                "layout_id": self.layout_id if self.hands_over or self.shares else 0,
                "handover": self.hands_over,
                "save": self.saves,
                **({"copies": True} if self.copies else {}),
                **({"struct": "counter_state"} if is_described else {}),
                **({"converters": self.named_converters} if self.named_converters else {}),
            },
            "config_schema": self.config_schema,
            "pins": "move" if self.moves_pins else "wait",
            **({"drain": self.drain} if self.drain else {}),
            **({"features": self.features} if self.features else {}),
            **({"permissions": self.permissions} if self.permissions else {}),
        }


HANDS_OVER = Sample(hands_over=True)
CONVERTS = Sample(hands_over=True, grows=True)
SAVES = Sample(saves=True)
SHARES = Sample(shares=True)
SESSIONS = Sample(
    source="sessions",
    name="sessions",
    interface="sessions",
    functions=(
        function("add", 8, "i64", parameter("by", "i64")),
        function("build", 16, "i64"),
        function("nap", 24, "status", parameter("ms", "u32"), blocking=True),
    ),
    hands_over=True,
    per_session=True,
)
RENEWS = Sample(saves=True, renews=True)
STATELESS = Sample()
CALLER_PLUGIN = Sample(
    source="host_caller",
    name="caller",
    interface="caller",
    functions=CALLER,
    requires=(("counter", "^1.0"),),
)
LISTENER = Sample(
    source="host_listener",
    name="listener",
    interface="listener",
    functions=(
        function("trace", 8, "i64"),
        function("last", 16, "i64", parameter("kind", "i64"), parameter("what", "i64")),
        function("let_go", 24, "i64"),
        function("build_there", 32, "i64"),
    ),
    requires=(("counter", "^1.0"),),
)
BELL = Sample(
    source="host_bell",
    name="bell",
    interface="bell",
    functions=(
        function("ring", 8, "i64", blocking=True),
        function("enlist", 16, "status", parameter("number", "u64")),
        function("enlist_raw", 24, "status", parameter("address", "u64"), parameter("data", "u64")),
        function("listed", 32, "i64"),
        function("ring_one", 40, "i64", parameter("number", "u64"), blocking=True),
    ),
)
HEARER = Sample(
    source="host_hearer",
    name="hearer",
    interface="hearer",
    functions=(
        function("number", 8, "u64"),
        function("withdraw", 16, "i64"),
        function("ring_there", 24, "i64", blocking=True),
        function("lease_to_bell", 32, "i64"),
    ),
    requires=(("bell", "^1.0"),),
)
LEAVER = Sample(
    source="leaves_guard",
    name="leaver",
    interface="leaver",
    functions=tuple(
        function(name, 8 + 8 * i, "i64") for i, name in enumerate(("thread_ends", "exception_leaves", "longjmp_leaves"))
    ),
    requires=(("counter", "^1.0"),),
)
PLAIN = Sample(
    source="plain",
    name="plain",
    interface="plain",
    functions=(
        function("add", 8, "i64", parameter("a", "i64"), parameter("b", "i64")),
        function("calls", 16, "i64"),
    ),
)
CRASHES = Sample(
    source="crashes",
    name="crashes",
    interface="crashes",
    functions=(
        function("crash", 8, "status", parameter("how", "u32")),
        function("crash_slowly", 16, "status", parameter("how", "u32"), blocking=True),
        function("wait", 24, "status", blocking=True),
        function("build", 32, "i64"),
    ),
)


class Workshop:
    """Compiles samples into a folder, each variant once for all who share it, now and later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._build = functools.cache(self._compile)

    def __call__(self, sample: Sample) -> Path:
        """Return the path of the sample's image."""
        return self._build(sample, json.dumps(sample.descriptor))

    def _compile(self, sample: Sample, descriptor: str) -> Path:
        """Write the descriptor into a copy of what was compiled: samples that differ in it alone are compiled once."""
        text = descriptor.encode()
        room = max(ROOM_MIN, 1 << (len(text) - 1).bit_length())
        compiled = self._compiled(sample, room)

        def write_into(folder: Path) -> None:
            code, place = compiled.read_bytes(), PLACE.ljust(room)
            assert code.count(place) <= 1, f"{compiled}: its descriptor may go to several places"  # none: a fault
            image = folder / compiled.name
            image.write_bytes(code.replace(place, text.ljust(room)))
            image.chmod(0o755)

        return kept_folder(self.folder, [compiled.parent.name.encode(), text], write_into) / compiled.name

    def _compiled(self, sample: Sample, room: int) -> Path:
        source, note = source_of(sample), note_source(PLACE.ljust(room))
        is_c = source.suffix == ".c"
        command = ["cc", "-std=c11"] if is_c else ["c++", "-std=c++17", "-fno-gnu-unique"]
        command += ["-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,now"]
        command += ["-DPLAIN_DESCRIPTOR", *sample.defines]

        def compile_into(folder: Path) -> None:
            (folder / "counter_descriptor.h").write_text(note)
            places = [f"-I{ROOT / 'abi'}", f"-I{folder}", str(source), "-o", str(folder / f"{sample.name}.so")]
            subprocess.run([*command, *places, *sample.flags], check=True)

        words = [*command, *sample.flags, sample.name, note]
        parts = [compiler_bytes(command[0]), header_bytes(), source.read_bytes(), *(word.encode() for word in words)]
        parts += [Path(flag).read_bytes() for flag in sample.flags if Path(flag).is_file()]  # what it is linked to
        return kept_folder(self.folder, parts, compile_into) / f"{sample.name}.so"


def source_of(sample: Sample) -> Path:
    """Return the C file of that name, or else the C++ file."""
    path = SOURCES / f"{sample.source}.c"
    return path if path.exists() else path.with_suffix(".cpp")


def shared_workshop() -> Workshop:
    """Return the workshop of the run that started this process; by hand, one of its own."""
    return Workshop(Path(os.environ.get(SHARED_FOLDER) or tempfile.mkdtemp()))


def note_source(text: bytes) -> str:
    """Return C source with `text` in an ELF note, as `hotgraft bind` writes it."""
    numbers = ",".join(map(str, text))
    return f"""
__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {{
    uint32_t name_bytes, text_bytes, type;
    char name[12];
    unsigned char text[{len(text)}];
}} counter_descriptor_note = {{9, {len(text)}, 1, "hotgraft", {{{numbers}}}}};
#define counter_descriptor (counter_descriptor_note.text)
"""
