"""A reader of files under atheris: bytes grown by what code they reach, from the kept files on.

By hand, until it finds something or is stopped; what it finds is written as ``crash-…`` into this folder:

    PYTHONPATH=tests/fuzz python tests/fuzz/atheris_reader.py descriptor "$(mktemp -d)" tests/fuzz/corpus/descriptor
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")  # an extra: there are machines on which it does not install

with atheris.instrument_imports(include=["hotgraft.core", "tomllib", "json"]):
    for name in ("json.decoder", "tomllib._parser", "hotgraft.core.descriptor", "hotgraft.core.manifest"):
        importlib.import_module(name)
    from reader_outcomes import CHECKS


def main() -> None:
    """Hand the rest of the command line to libFuzzer."""
    check = CHECKS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: check(data) and None)
    atheris.Fuzz()


main()
