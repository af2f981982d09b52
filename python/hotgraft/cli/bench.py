"""`hotgraft bench`: what a call, a swap and a reload cost on this machine, each beside its plain counterpart."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from typing import TYPE_CHECKING

import click

import hotgraft
from hotgraft.cli.output import print_json
from hotgraft.core.errors import HotgraftError

if TYPE_CHECKING:
    from types import ModuleType

PACKAGE = "hotgraft_benchmarks"


@click.command()
@click.argument("names", metavar="[ROW]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON; what a person reads goes to stderr.")
@click.option("--quick", is_flag=True, help="Fewer and shorter samples: less exact, and more often discarded.")
@click.option("--list", "only_list", is_flag=True, help="List the rows and measure nothing.")
def command(names: tuple[str, ...], as_json: bool, quick: bool, only_list: bool) -> None:
    """Measure what hotgraft costs here, each figure beside its plain counterpart and its limit.

    ROW is the name of a row or its first part (`call` means every `call.…`); all rows unless said. Programs are
    compiled with this machine's compiler. Every run measures the plain side twice; one in which the two differ by
    more than 3 % is discarded, listed, and tried again. Added instructions are counted by callgrind (valgrind).

    Ends with 0; with 7 when a figure is above its limit; with 1 when the machine was too busy to measure one.
    """
    load_benchmarks()
    run = importlib.import_module(f"{PACKAGE}.run")
    report_ = importlib.import_module(f"{PACKAGE}.report")
    try:
        rows = run.choose(run.all_rows(run.QUICK if quick else run.FULL), names)
    except LookupError as unknown:
        raise click.UsageError(str(unknown.args[0])) from None
    if only_list and as_json:
        print_json({"rows": [{"name": row.name, "text": row.text} for row in rows]})
        return
    if only_list:
        for row in rows:
            click.echo(f"{row.name:38} {row.text}")
        return
    out = sys.stderr if as_json else sys.stdout
    report = report_.Report(out, is_live=out.isatty())
    report.head()
    try:
        results = run.measure(rows, begin=report.begin, end=report.end)
    except HotgraftError as error:
        click.echo(f"\nThe benchmarks could not run: {error}", err=True)
        sys.exit(1)
    report.foot(results)
    if as_json:
        click.echo(results.line())
    sys.exit(results.exit_code())


def load_benchmarks() -> ModuleType:
    """Import the folder of benchmarks: beside the package in a checkout, else inside the installed one.

    Raises:
        HotgraftError: it is at neither place; each is named.
    """
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    roots = [pathlib.Path(place) for place in hotgraft.__path__]
    places = [root.parent.parent / "benchmarks" for root in roots] + [root / "benchmarks" for root in roots]
    for place in places:
        if (place / "rows.py").is_file():
            return _import_package(place)
    raise HotgraftError(
        "find the benchmarks", found=tuple(f"not in {place}" for place in places), advice="install the package again"
    )


def _import_package(folder: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None  # a path that ends with .py always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return module
