"""Findings as workflow commands of GitHub Actions: a line each, that its log shows beside the change that caused it.

Source: GitHub Docs, "Workflow commands for GitHub Actions"; what is escaped is what its own toolkit escapes
(actions/toolkit, packages/core/src/command.ts): % and line ends everywhere, in a property also : and ,.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from hotgraft.cli.diff_report import headline, who
from hotgraft.core.contract_rules import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hotgraft.core.contract_facts import Comparison

__all__ = ["Level", "annotation", "contract_annotations"]

Level: TypeAlias = Literal["error", "warning", "notice"]


def annotation(level: Level, message: str, *, title: str, file: str) -> str:
    """Return one line for the log: of that level, about that file."""
    return f"::{level} title={_property(title)},file={_property(file)}::{_data(message)}"


def contract_annotations(found: Comparison, *, against: str, file: str) -> Iterator[str]:
    """Yield a line for each strict fact and each claim, and one for the verdict."""
    for one in (*found.of(Verdict.MAJOR), *found.of(Verdict.UNKNOWN)):
        reason = "; ".join(filter(None, (one.rule, who(one))))
        yield annotation("error", f"{one}\n{reason}", title=f"hotgraft {one.verdict}: {one.kind}", file=file)
    for claim in (*found.claims, *found.release_claims):
        yield annotation("error", str(claim), title="hotgraft: claim mismatch", file=file)
    yield annotation("notice", headline(found), title=f"hotgraft: against {against}", file=file)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
