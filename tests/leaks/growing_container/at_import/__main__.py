"""Leak: all the work is done while a module is imported, as in a script of one line: `import app`."""
from . import work  # noqa: F401
