"""The pytest plugin: the fixture leak_loop. Nothing else happens in a session that does not ask."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def leak_loop() -> Any:
    """leak_loop(fun, *args, times=200, tolerance=0, ...): fails if calls of fun leave something.

    Options are those of heaplens.testing.MemoryLeakTestCase.execute. leak_loop.raises(exc, fun,
    *args) is for a function that raises exc each time.
    """
    from heaplens.testing import LeakTestMixin

    class Loop(LeakTestMixin):
        def __call__(self, fun: Any, *args: object, **options: Any) -> None:
            self.execute(fun, *args, **options)

        def raises(self, exc: Any, fun: Any, *args: object, **options: Any) -> None:
            self.execute_w_exc(exc, fun, *args, **options)

    return Loop()
