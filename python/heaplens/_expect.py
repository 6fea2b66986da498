"""What the program expects to be gone, and does not keep alive by expecting it."""

from __future__ import annotations

import itertools
import sys
import warnings
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    _Row = tuple[Union["weakref.ref[Any]", str], str, str]

# The walker reads it by this name and form (src/inside/expect.c): key -> (weak reference, or the
# address as hexadecimal digits where the object takes none; reason; type). It is never a holder.
_register: dict[int, _Row] = {}
_keys = itertools.count()
_MOST = 10_000  # rows; a program that expects without end must not leak by it
_BY_ADDRESS_MOST = 1_000  # these never go by themselves
_addresses: list[int] = []


class _Expected(weakref.ref):  # type: ignore[type-arg]
    """Takes its row out when the object goes."""

    __slots__ = ("key",)
    key: int


def _gone(reference: Any, rows: dict[int, _Row] = _register) -> None:
    rows.pop(reference.key, None)


def lasting(value: object) -> str | None:
    """Why this object is never collected, or None."""
    if value is None or value is True or value is False or value is Ellipsis:
        return f"{value!r} is one for the whole interpreter"
    if value is NotImplemented or isinstance(value, type) and not value.__flags__ & (1 << 9):
        return f"{value!r} is part of the interpreter"
    if type(value) is int and -5 <= value <= 256:
        return f"the interpreter keeps small numbers such as {value}"
    if type(value) in (str, bytes) and len(value) <= 1:  # type: ignore[arg-type]
        return f"the interpreter keeps short texts such as {value!r}"
    if type(value) is tuple and not value:
        return "the interpreter has one empty tuple"
    if sys.version_info >= (3, 12) and sys.getrefcount(value) >= 1 << 31:
        return f"a {type(value).__name__} that is immortal is never collected"
    return None


def expect_collected(value: object, reason: str = "") -> None:
    """Says that value should be gone soon: closed, done with, out of scope.

    Whatever is still there in the last snapshot of `heaplens run` or of heaplens.watch() becomes a
    finding with the chain that holds it. The object is known by a weak reference. A type that takes
    none (list, dict, classes with __slots__) is known by its address: if an object of the same type
    stands there, it may be another one, and the finding is only possible.
    """
    why = lasting(value)
    if why is not None:
        warnings.warn(f"heaplens.expect_collected: {why}", RuntimeWarning, stacklevel=2)
        return
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    if len(_register) >= _MOST:
        return
    key = next(_keys)
    try:
        reference = _Expected(value, _gone)
    except TypeError:
        _addresses.append(key)
        if len(_addresses) > _BY_ADDRESS_MOST:
            _register.pop(_addresses.pop(0), None)
        _register[key] = (format(id(value), "x"), reason, name)
    else:
        reference.key = key
        _register[key] = (reference, reason, name)
