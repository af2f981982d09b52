"""Count what a guarded call adds to a plain one, and fail when a count grew. See instructions.py.

    python benchmarks/count_instructions.py [--gate]

Ends with one line of JSON. With --gate it exits 7 when a count is above its gate: the count of today, which must not
grow unnoticed.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks.instructions import main

    sys.exit(main(sys.argv[1:]))
