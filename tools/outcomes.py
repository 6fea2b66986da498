#!/usr/bin/env python3
"""How the tests of two JUnit reports ended, and where they differ.

    tools/outcomes.py PLAIN.xml WATCHED.xml     exit 1 where any test differs, or there is none

Used by tools/suites.sh (pytest's reports) and tools/cpython_suite.py (regrtest's).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

KINDS = ("failure", "error", "skipped")
Outcomes = dict[str, str]  # a test's full name: "passed", or what it was instead


def read(report: Path) -> Outcomes:
    """The outcome of each test of a report. A test in several parts is all they were."""
    found: dict[str, set[str]] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        found.setdefault(name, set()).update(child.tag for child in case if child.tag in KINDS)
    return {name: "+".join(sorted(kinds)) or "passed" for name, kinds in found.items()}


def counts(outcomes: Outcomes) -> str:
    by_kind = Counter(outcomes.values())
    each = ", ".join(f"{n} {kind}" for kind, n in sorted(by_kind.items()))
    return f"{len(outcomes)} tests: {each}"


def differences(plain: Outcomes, watched: Outcomes) -> list[tuple[str, str, str]]:
    """Name, how it ended plainly, how it ended watched; of those that did not end the same."""
    return [
        (name, plain.get(name, "missing"), watched.get(name, "missing"))
        for name in sorted({*plain, *watched})
        if plain.get(name) != watched.get(name)
    ]


def main() -> int:
    lacking = [report for report in sys.argv[1:3] if not Path(report).exists()]
    if lacking:
        print(f"    no report, so nothing to compare: {' '.join(lacking)}; see the log beside it")
        return 1
    plain, watched = (read(Path(report)) for report in sys.argv[1:3])
    for outcomes in (plain, watched):
        print("   ", counts(outcomes))
    differ = differences(plain, watched)
    for name, was, became in differ:
        print(f"    differs: {name}: {was} plainly, {became} watched")
    return int(bool(differ) or not plain)


if __name__ == "__main__":
    sys.exit(main())
