"""Every code block of docs/ runs as it stands, from top to bottom, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import environment_of, type_through
from doc_session import matches

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))


@pytest.mark.full  # they compile and wait for seconds
@pytest.mark.parametrize("name", PAGES)
def test_page_can_be_typed_through(name: str, tmp_path: Path) -> None:
    """A page that does not run as it stands is worse than none."""
    folder = tmp_path / "page"
    folder.mkdir()
    typed = type_through(DOCS / name, folder, environment_of())
    if typed.left_out:
        pytest.skip("; ".join([*typed.left_out, f"the other {len(typed.printed)} blocks ran"]))


def test_no_page_promises_a_boundary() -> None:
    """Permissions are policy: native code in the process can do what the process can, whatever a reader hopes for."""
    promises = re.compile(r"sandbox|isolat", re.IGNORECASE)
    wrong = [f"{page.name}: {found[0]}" for page in DOCS.glob("*.md") if (found := promises.search(page.read_text()))]
    assert wrong == []
    assert promises.search("plugins run in a Sandbox, isolated from each other")
    assert "**This is policy, not a boundary.**" in (DOCS / "permissions.md").read_text()


def typed_page(tmp_path: Path, text: str) -> dict[int, str]:
    """Type a page of that text through."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page.md").write_text(text)
    return type_through(tmp_path / "page.md", tmp_path / "page", environment_of()).printed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```text\nwords\n```\n", "page.md:1: nothing runs a block in 'text'"),
        ("```\nwords\n```\n", "nothing runs a block in ''"),
        ("```c\nint a;\n```\n", "nothing runs a block in 'c'"),
        ("In `a.c`:\n\n```c\nint a;\n```\n\n```sh\ntrue\n```\n", "page.md:3: nothing reads a.c"),
        ("In `a.c`:\n\n```c\nint a;\n```\n\nIn `a.c`:\n\n```c\nint b;\n```\n", "page.md:3: nothing reads a.c"),
        ("```sh\nfalse\ntrue\n```\n", "page.md:1: ended with 1"),
        ("```console\n$ echo one\ntwo\n```\n", "the page says\ntwo"),
        ("```console\n$ false\n```\n", "ended with 1"),
        ("```console\n$ echo one\n```\n", "prints\none"),
        ("```console\nwords\n```\n", "begins with a command"),
        ("```python\nprint(1)  # prints 2\n```\n", "it prints\n1"),
        ("```python\nraise SystemExit(4)\n```\n", "ended with 4"),
    ],
)
def test_block_that_is_not_run_or_prints_something_else_fails_the_page(
    tmp_path: Path, text: str, complaint: str
) -> None:
    """That every block runs is only true if one that does not is found."""
    with pytest.raises(AssertionError) as found:
        typed_page(tmp_path, text)
    assert complaint in str(found.value)


def test_folder_and_exports_stay_from_block_to_block(tmp_path: Path) -> None:
    """As in the reader's shell."""
    text = "```sh\nmkdir 'a b' && cd 'a b'\nexport WORD='two words'\n```\nThen, in `x.json`:\n\n```json\n{}\n```\n"
    text += '\n```console\n$ echo "$WORD"; basename "$PWD"; cat x.json\n...\na b\n...\n$ (exit 3)\n[3]\n```\n'
    typed_page(tmp_path, text)


def test_each_python_block_is_run_and_not_the_one_before(tmp_path: Path) -> None:
    """They reach Python through a variable, which must not stay."""
    printed = typed_page(tmp_path, "```python\nprint(1)  # prints 1\n```\n\n```python\nprint(2)  # prints 2\n```\n")
    assert list(printed.values()) == ["1\n", "2\n"]


def test_what_cannot_run_here_is_left_out_by_name(tmp_path: Path) -> None:
    """A skip says what is missing; the rest of the page runs all the same."""
    (tmp_path / "page").mkdir()
    (tmp_path / "page.md").write_text("```sh needs=no-such-program\nfalse\n```\n```sh\ntrue\n```\n")
    typed = type_through(tmp_path / "page.md", tmp_path / "page", environment_of())
    assert typed.left_out == ["page.md:1: no-such-program does not work here"]
    assert list(typed.printed) == [4]


def test_dots_stand_for_what_varies() -> None:
    """Alone in a line for lines, inside one for text of that line."""
    assert matches("a\n...\nz ... !\n", "a\nb\nc\nz 12 !\n")
    assert matches("a\n...\n", "a\n")
    assert not matches("a ... z\n", "a\nz\n")
    assert not matches("a\n", "a\nb\n")
