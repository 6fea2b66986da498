"""pydantic 1.9 keeps each parametrized generic model in a dict; here a model is made per table.
Fixed in 1.10: the cache is weak."""
import sys
from typing import Generic, TypeVar

from pydantic import create_model
from pydantic.generics import GenericModel

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
T = TypeVar("T")


class Response(GenericModel, Generic[T]):
    status: int
    data: T


def answer(number):
    row = create_model(f"Row{number}", id=(int, ...), name=(str, ...))
    return Response[row](status=200, data=row(id=number, name="x")).data.id


print(sum(answer(n) for n in range(int(700 * SIZE))))
