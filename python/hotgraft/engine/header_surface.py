"""C headers become a surface: what whoever was compiled against them relies on, as the machine's compiler sees it.

The compiler is the judge of types and layouts; it is asked with a small generated source and answers in debug
information. Read here from the preprocessed text is only what a compiler does not keep: names to ask about, macros,
attributes, and hotgraft's annotations. C++ declarations are not compared.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hotgraft.core.errors import BindError, BuildError, HotgraftError
from hotgraft.engine.build import find_compiler
from hotgraft.engine.header_surface_assembly import assemble
from hotgraft.engine.header_surface_cpp import cpp_only
from hotgraft.engine.header_surface_declared import read_declarations
from hotgraft.engine.header_surface_interfaces import ANNOTATIONS
from hotgraft.engine.header_surface_macros import find_constants
from hotgraft.engine.header_surface_probe import SOURCE, Answers, Questions, ask
from hotgraft.engine.header_surface_text import expansion_probes, macro_names, read_preprocessed
from hotgraft.engine.places import include_dir
from hotgraft.engine.tools import how_it_ended, run_tool, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

    from hotgraft.core.surface import Surface
    from hotgraft.engine.header_surface_text import Preprocessed

    Paths = Sequence[str | os.PathLike[str]]

__all__ = ["read_headers"]


def read_headers(
    paths: Paths, *, include: Paths = (), defines: Sequence[str] = (), compiler: str | None = None
) -> Surface:
    """Read what headers declare, as one translation unit that includes them in this order.

    What a header of the system declares is not the library's; its types are described where they are reached.

    Args:
        paths: of the headers; at least one.
        include: folders that the compiler looks for included headers in.
        defines: macros for the compiler, ``NAME`` or ``NAME=VALUE``.
        compiler: instead of the one `find_compiler` finds. $CPPFLAGS and $CFLAGS are given to it.

    Raises:
        BuildError: the headers do not compile; `output` is the compiler's own text.
        BindError: they compile as C++ only.
        ValueError: no header is named.
    """
    if not paths:
        raise ValueError("no header is named")
    given = [Path(one).absolute() for one in paths]
    with tempfile.TemporaryDirectory(prefix="hotgraft-headers-") as folder:
        return _Reading(given, [Path(one) for one in include], defines, compiler, Path(folder)).surface()


class _Reading:
    """One translation unit, from the compiler's command line to the surface."""

    def __init__(
        self, paths: list[Path], include: list[Path], defines: Sequence[str], compiler: str | None, folder: Path
    ) -> None:
        self.paths = paths
        self.include = include
        self.folder = folder
        self.on = ", ".join(str(one) for one in paths)
        self.flags = [
            *words_of("CPPFLAGS"), *words_of("CFLAGS"), *(f"-I{one}" for one in include),
            *(f"-D{one}" for one in defines), "-isystem", str(include_dir()),
        ]  # fmt: skip
        self.compiler = shlex.split(compiler or find_compiler())

    def surface(self) -> Surface:
        text = self._preprocessed()
        declared = read_declarations(text.tokens)
        constants = find_constants(text, declared)
        if others := cpp_only(_text_of(one) for one in text.own):
            constants.texts["what only C++ compiles"] = others
        questions = Questions(list(declared.names), constants.integers, constants.floats, list(declared.records))
        try:
            answers = ask(
                [*self.compiler, *self.flags, *self._included()], questions, self.folder / "all.o", on=self.on
            )
        except ValueError as error:
            raise BuildError("read what the compiler wrote", on=self.on, found=str(error)) from None
        if not isinstance(answers, Answers):
            raise self._refusal(answers)
        return assemble(self.on, text, declared, constants, answers)

    def _included(self) -> list[str]:
        return [word for path in self.paths for word in ("-include", str(path))]

    def _preprocessed(self) -> Preprocessed:
        names = macro_names(self.paths, self.include)
        source = self.folder / "expansions.c"
        source.write_text('#line 1 "<stdin>"\n' + expansion_probes(names), encoding="utf-8")
        is_annotated = any(b"hotgraft/" in path.read_bytes() for path in self.paths if path.is_file())
        done = self._preprocess(source, is_annotated=is_annotated)
        given = frozenset(str(one) for one in self.paths)
        text = read_preprocessed(done.stdout, given)
        if not is_annotated and any(one.endswith("hotgraft/interface.h") for one in text.files):
            text = read_preprocessed(self._preprocess(source, is_annotated=True).stdout, given)
        return text

    def _preprocess(self, source: Path, *, is_annotated: bool) -> CompletedProcess[str]:
        """Lines and files are told from markers; code that mentions them must not differ by where it stands."""
        first: list[str] = []
        if is_annotated:
            prelude = self.folder / "annotations.h"
            undefined = "".join(f"#undef {one}\n" for one in ANNOTATIONS)
            prelude.write_text(f"#include <hotgraft/interface.h>\n{undefined}", encoding="utf-8")
            first = ["-include", str(prelude)]
        blind = ("-Wno-builtin-macro-redefined", "-D__LINE__=0", '-D__FILE__="header"')
        command = [*self.compiler, *self.flags, *first, *self._included(), *blind, "-w", "-E", "-dD", "-x", "c"]
        done = run_tool([*command, str(source)], on=self.on)
        if done.returncode != 0:
            raise self._refusal(done)
        return done

    def _refusal(self, done: CompletedProcess[str]) -> HotgraftError:
        """Return the error for headers that the compiler refuses: some are C++, some are wrong."""
        command = [*shlex.split(find_compiler(cpp=True)), "-w", "-fsyntax-only", "-x", "c++", *self.flags]
        if run_tool([*command, *self._included(), os.devnull], on=self.on).returncode == 0:
            return BindError(
                "read the headers",
                on=self.on,
                found="they compile as C++ and not as C; C++ declarations are not compared",
                advice='keep what other libraries call in a C header, guarded by extern "C"',
                running="nothing was compared",
            )
        return BuildError(
            "read the headers",
            on=self.on,
            found=f"{self.compiler[0]} {how_it_ended(done.returncode)}",
            advice="mend what it says here, or name the folders and macros that the headers need",
            running="nothing was compared",
            output=_without_probes(done.stderr),
            command=tuple(done.args),
        )


def _text_of(file: str) -> str:
    """Return the text of a file that the preprocessor read; what it cannot be found by any more holds nothing."""
    path = Path(file)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _without_probes(words: str) -> str:
    """Leave out what the compiler says of our questions: they fail because the headers do.

    Where it says nothing else, what it saw last in the headers goes on into the first question.
    """
    lines = words.splitlines(keepends=True)
    end = next((at for at, line in enumerate(lines) if SOURCE in line), len(lines))
    if end or not lines:
        return "".join(lines[:end])
    return f"the last declaration of the headers is perhaps not ended, by ; or ) or }}: what follows it fails\n{words}"
