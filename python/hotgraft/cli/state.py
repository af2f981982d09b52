"""`hotgraft state`: what a snapshot holds, as a tree, as JSON and back, and what differs between two."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hotgraft.cli.exits import EXITS_TEXT
from hotgraft.cli.groups import HelpfulGroup
from hotgraft.cli.journal import shown_time
from hotgraft.cli.output import json_option, print_json, table, written_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.snapshot import SessionState, Snapshot
    from hotgraft.core.snapshot_json import InstanceValues
    from hotgraft.core.state_diff import Difference
    from hotgraft.core.state_rows import Row

SNAPSHOT: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
MARKS: Final = {"changed": "~", "new": "+", "gone": "-"}
ARROW: Final = " → "
SHOWN: Final = 8  # differences inside one array
NO_TERMINAL: Final = 120  # columns where nobody says how many there are


@click.group(cls=HelpfulGroup, epilog=EXITS_TEXT)
def command() -> None:
    """Show, export, import and compare the snapshots of plugins' state.

    A snapshot is a file that a host wrote: asked by host.snapshot(), on its schedule, or before a swap. Nothing here
    runs a plugin's code.
    """


@command.command(epilog=EXITS_TEXT, short_help="Print a snapshot as a typed tree.")
@click.argument("file", type=SNAPSHOT)
@click.option("--instance", help="Of this instance only.")
@click.option("--all", "is_whole", is_flag=True, help="Leave nothing out: every element, every byte.")
@json_option
def show(file: Path, instance: str | None, is_whole: bool, as_json: bool) -> None:
    """Print what the snapshot FILE holds: names, types and values.

    Elements that are the same are shown once, of long arrays the first and how many more there are.
    """
    from hotgraft.core.snapshot_json import session_values_in, snapshot_to_json, values_in
    from hotgraft.core.state_draw import draw

    snapshot = _read(file)
    names = [one.name for one in snapshot.instances]
    if instance is not None and instance not in names:
        raise click.BadParameter(f"{instance!r} is none of its instances: {', '.join(names)}.", param_hint="--instance")
    if as_json:
        made = snapshot_to_json(snapshot, on=str(file))
        made["instances"] = [one for one in made["instances"] if instance in (None, one["name"])]
        if "sessions" in made:
            made["sessions"] = [one for one in made["sessions"] if instance in (None, one["instance"])]
        print_json(made)
        return
    click.echo(_head(snapshot))
    shown = [(one, one.name, "") for one in values_in(snapshot, on=str(file)) if instance in (None, one.name)]
    for one, session in zip(session_values_in(snapshot, on=str(file)), snapshot.sessions, strict=True):
        if instance in (None, session.instance):
            shown.append((one, session_title(session), _told_of(session)))
    for one, title, more in shown:
        for what, rows in _trees(one):
            click.echo(f"\n{title}: {what}{more}")
            click.echo("\n".join(f"  {line}" for line in draw(rows, width=_width() - 2, is_whole=is_whole)))


@command.command(epilog=EXITS_TEXT, short_help="Write a snapshot as JSON.")
@click.argument("file", type=SNAPSHOT)
def export(file: Path) -> None:
    """Write the snapshot FILE as JSON to stdout; `hotgraft state import` makes the same snapshot of it again.

    Bytes are {"$bytes": base64}, what is no finite number {"$float": "nan"}; nothing is rounded.
    """
    from hotgraft.core.snapshot_json import snapshot_to_json

    made = snapshot_to_json(_read(file), on=str(file))
    click.echo(written_json(made))


@command.command("import", epilog=EXITS_TEXT, short_help="Make a snapshot of JSON.")
@click.argument("file", type=click.File("rb"))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The snapshot to write.")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path),
    help="A folder of snapshots: it gets the next number there, so that the next host begins with it.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace what -o names.")
@json_option
def import_(file: Any, output: Path | None, into: Path | None, force: bool, as_json: bool) -> None:
    """Make a snapshot of the JSON in FILE ("-": stdin), as `hotgraft state export` writes it.

    Every value is held against the type of its field; all that does not fit is named, and nothing is written then.
    """
    from hotgraft.core.snapshot_import import snapshot_from_json
    from hotgraft.core.snapshot_text import read_snapshot_json

    if (output is None) == (into is None):
        raise click.UsageError("Say where it goes, in one way: -o FILE, or --into a folder of snapshots.")
    if output is not None and output.exists() and not force:
        raise click.BadParameter(f"{output} is there already; --force replaces it.", param_hint="-o")
    snapshot = snapshot_from_json(read_snapshot_json(file.read(), on=file.name), on=file.name)
    written = _write(snapshot, output, into)
    if as_json:
        print_json({"written": str(written), "plugin": snapshot.plugin, "bytes": snapshot.bytes})
    else:
        click.echo(f"{written}: {snapshot.plugin} {snapshot.version}, {snapshot.bytes} bytes of state")


@command.command(epilog=EXITS_TEXT, short_help="Say what differs between two snapshots.")
@click.argument("old", type=SNAPSHOT)
@click.argument("new", type=SNAPSHOT)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say what differs between the snapshots OLD and NEW, by the names of their fields.

    They may be of different versions: what NEW calls otherwise is found by its renamed_from. Ends with 0 whether
    anything differs or not.
    """
    from hotgraft.cli.state_diff import compare

    found = compare(_read(old), _read(new), on=(str(old), str(new)))
    if as_json:
        rows = {name: [_as_object(one) for one in differences] for name, differences in found.items()}
        print_json({"old": str(old), "new": str(new), "instances": rows})
        return
    for name, differences in found.items():
        if differences:
            click.echo(name)
            click.echo("\n".join(_lines(differences)))
    count = sum(map(len, found.values()))
    click.echo(f"{count} difference{'s' * (count != 1)}" if count else "no differences")


def _read(file: Path) -> Snapshot:
    from hotgraft.engine.snapshot_files import read_snapshot

    return read_snapshot(file)


def _write(snapshot: Snapshot, output: Path | None, into: Path | None) -> Path:
    import time
    from difflib import get_close_matches

    from hotgraft.engine.snapshot_files import write_snapshot
    from hotgraft.engine.snapshot_folder import SnapshotFolder

    if output is not None:
        write_snapshot(output, snapshot)
        return output
    assert into is not None  # asked before
    if not into.is_dir():
        near = get_close_matches(into.name, [one.name for one in into.parent.glob("*/")], n=1)
        hint = f" There is {into.parent / near[0]}." if near else " Make it first, with mode 0700."
        raise click.BadParameter(f"{into} is no folder; nothing was written.{hint}", param_hint="--into")
    folder = SnapshotFolder(into, kept=1 << 30, max_age_s=0.0, wall_ns=time.time_ns)
    try:
        return folder.write(snapshot).path
    finally:
        folder.close()


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else NO_TERMINAL


def _head(snapshot: Snapshot) -> str:
    schema = snapshot.read_descriptor().state.schema
    rows = [
        ("taken", f"{shown_time(snapshot.taken_ns)} ({snapshot.reason}), number {snapshot.number}"),
        ("of", f"generation {snapshot.generation}, image {snapshot.image_sha256[:8]}, schema {schema}"),
        ("holds", f"{snapshot.bytes} bytes of state of {', '.join(one.name for one in snapshot.instances)}"),
    ]
    if snapshot.sessions:
        waiting = sum(one.since_ns != 0 for one in snapshot.sessions)
        rows.append(("sessions", f"{len(snapshot.sessions)}, {waiting} of which wait to be opened again"))
    if not snapshot.is_at_rest:
        rows.append(("copied", "beside others that were using it: its numbers need not be of one moment"))
    return f"{snapshot.plugin} {snapshot.version}\n{table(rows)}"


def session_title(session: SessionState) -> str:
    """Return what a session is called here: ``session alice``, or of another instance ``session alice of left``."""
    return f"session {session.name}" + (f" of {session.instance}" if session.instance != "main" else "")


def _told_of(session: SessionState) -> str:
    told = [f"of version {session.origin.version}, generation {session.origin.generation}"] if session.origin else []
    told += [f"waits since {shown_time(session.since_ns)}"] if session.since_ns else []
    return f" ({'; '.join(told)})" if told else ""


def _trees(one: InstanceValues) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Yield what an instance or a session has, as what it is and its rows."""
    from hotgraft.core.state_rows import Row, declared_rows, keyed_rows

    layout = one.layout
    if one.states is not None and layout is not None:
        if len(one.states) == 1:
            yield f"{layout.struct}, {layout.bytes} bytes", declared_rows(layout, one.states[0])
        else:
            title = f"{len(one.states)} × {layout.struct} of {layout.bytes} bytes"  # noqa: RUF001 - times
            states = enumerate(one.states)
            yield (
                title,
                tuple(
                    Row(name=f"[{at}]", type=layout.struct, inside=declared_rows(layout, state)) for at, state in states
                ),
            )
    if one.block is not None:
        parts = (one.block, *one.blocks)
        rows = tuple(
            Row(name=f"block {at}" if at else "block", type="bytes", value=part) for at, part in enumerate(parts)
        )
        yield "a block that its plugin does not describe", rows
    if one.values is not None:
        count = f"{len(one.values)} saved value{'s' * (len(one.values) != 1)}"
        yield count, keyed_rows(one.values)


def _as_object(one: Difference) -> dict[str, str]:
    return {"kind": one.kind, "path": one.path, "was": one.was, "now": one.now}


def _lines(differences: list[Difference]) -> Iterator[str]:
    """Yield a line for each; of many inside one array, the first and how many more."""
    names = min(max(len(one.path) for one in differences), 40)
    room = _width() - names - 6
    seen: dict[str, int] = {}
    for one in differences:
        array = one.path.rpartition("[")[0]
        seen[array] = seen.get(array, 0) + 1
        if not array or seen[array] <= SHOWN:
            yield f"  {MARKS[one.kind]} {one.path:<{names}}  {_change(one, room)}".rstrip()
    for array, count in seen.items():
        if array and count > SHOWN:
            yield f"  … {count - SHOWN} more in {array}"


def _change(one: Difference, room: int) -> str:
    if one.kind != "changed":
        return _cut(one.was or one.now, room)
    half = max((room - len(ARROW)) // 2, 8)
    return f"{_cut(one.was, half)}{ARROW}{_cut(one.now, half)}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 1)]}…"
