"""Print the two commands of README.md, one a line, exactly as they stand there.

They are the two one-line `sh` blocks under the heading "Two commands".
"""

from __future__ import annotations

import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"


def main() -> int:
    """Print the commands; exit 1 with the reason when there are not two."""
    section = re.search(r"^## Two commands$(.*?)^## ", README.read_text(), re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```sh\n(.*?)\n```$", section.group(1) if section else "", re.MULTILINE | re.DOTALL)
    if len(blocks) != 2 or any("\n" in block for block in blocks):
        print(f"README.md, 'Two commands': want two blocks of one line, found {blocks}", file=sys.stderr)
        return 1
    print("\n".join(blocks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
