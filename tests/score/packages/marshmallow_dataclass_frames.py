"""marshmallow_dataclass 8.5.8 memoizes with the caller's frame as an argument, so that the frame and
its locals stay (lovasoa/marshmallow_dataclass#198). The memo ends at 1024 frames: the factor is for
what each of them keeps."""
import dataclasses
import sys
import warnings

warnings.simplefilter("ignore")
import marshmallow_dataclass  # noqa: E402

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


@dataclasses.dataclass
class Point:
    x: int = 0
    y: int = 0


def request(number):
    body = f"request {number} " * int(900 * SIZE)
    schema = marshmallow_dataclass.class_schema(Point)()
    return schema.load({"x": number}).x + len(body) * 0


print(sum(request(n) for n in range(500)))
