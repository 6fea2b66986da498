"""python -m heaplens ...: the native executable in place of this interpreter."""

from __future__ import annotations

import os
import sys

from heaplens._error import Error
from heaplens._native import executable


def main() -> int:
    try:
        path = executable()
        words = sys.argv[1:]
        if words[:1] in (["run"], ["audit"], ["lines"]) and sys.executable:
            words[1:1] = ["--python", sys.executable]  # whoever named this interpreter means it
        os.execv(path, [path, *words])
    except (Error, OSError) as why:
        print(f"heaplens: {why}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
