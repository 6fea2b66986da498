"""The extension that fits this interpreter: the one installed with it, or one of cores/."""

from __future__ import annotations

import importlib
import os
import sys

from heaplens._error import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _from_cores() -> Any:
    """One package folder may serve several interpreters: cores/VERSION/ (tools/cores.sh)."""
    from importlib import machinery, util

    release = sys.version.split()[0]
    path = os.path.join(os.path.dirname(__file__), "cores", release, "_inside.so")
    loader = machinery.ExtensionFileLoader("heaplens._inside", path)
    spec = util.spec_from_file_location("heaplens._inside", path, loader=loader)
    if spec is None or not os.path.isfile(path):
        return None
    module = util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules["heaplens._inside"] = module
    return module


def core() -> Any:
    """heaplens._inside, loaded when it is first needed. Raises Error where none fits."""
    module = sys.modules.get("heaplens._inside")
    if module is not None:
        return module
    try:
        return importlib.import_module("heaplens._inside")
    except ImportError as why:
        module = _from_cores()
        if module is not None:
            return module
        release = sys.version.split()[0]
        raise Error(
            f"heaplens cannot look into this interpreter, CPython {release} at {sys.executable}: "
            f"{why}. The extension is built for one exact release; install heaplens with this "
            f"interpreter: {sys.executable} -m pip install heaplens"
        ) from why
