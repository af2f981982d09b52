"""A reader of files under atheris: bytes grown by what code they reach, from the kept files on.

By hand, until it finds something or is stopped; what it finds is written as ``crash-…`` into this folder:

    PYTHONPATH=tests/fuzz python tests/fuzz/atheris_reader.py descriptor "$(mktemp -d)" tests/fuzz/corpus/descriptor
"""

from __future__ import annotations

import importlib
import sys
import types
from random import Random
from typing import TYPE_CHECKING, Any, Final

from reader_mutations import mutated_once
from reader_outcomes import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

atheris: Any = importlib.import_module("atheris")  # an extra: there are machines on which it does not install
FOLLOWED: Final = ("hotgraft.core.", "hotgraft.engine.", "tomllib.", "json.")


def functions() -> Iterator[types.FunctionType]:
    """Yield what is followed; one by one, because atheris' import hook passes packages over that are editable."""
    for name, module in [*sys.modules.items()]:
        if name.startswith(FOLLOWED):
            for value in [*vars(module).values()]:
                inner = [*vars(value).values()] if isinstance(value, type) else [value]
                yield from (one for one in inner if isinstance(one, types.FunctionType) and one.__module__ == name)


def main() -> None:
    """Hand the rest of the command line to libFuzzer."""
    reader = sys.argv.pop(1)
    check = CHECKS[reader]

    def mutate(data: bytes, bytes_max: int, seed: int) -> bytes:
        """Change what it says in half of the cases, else its bytes: those alone are rarely JSON or TOML any more."""
        if seed % 2:
            return bytes(atheris.Mutate(data, bytes_max))
        return mutated_once(reader, data, Random(seed))[:bytes_max]

    for one in functions():
        atheris.instrument_func(one)
    atheris.Setup(sys.argv, lambda data: check(data) and None, custom_mutator=mutate)
    atheris.Fuzz()


main()
