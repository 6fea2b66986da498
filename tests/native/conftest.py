"""Whatever these tests make in a folder of its own lies where pytest clears up."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    tempfile.tempdir = str(tmp_path_factory.mktemp("folders"))
    yield
    tempfile.tempdir = None
