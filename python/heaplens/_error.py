"""What heaplens could not do."""

from __future__ import annotations


class Error(Exception):
    """What heaplens could not do, in one sentence, and the exit code that stands for it."""

    def __init__(self, text: str, exit_code: int = 3) -> None:
        super().__init__(text)
        self.exit_code = exit_code
