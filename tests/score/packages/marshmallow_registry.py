"""A marshmallow schema class per request: the class registry keeps each.
Proper use: Meta.register = False."""
import sys

from marshmallow import Schema, fields

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def validate(number):
    body = {"a": number, "b": str(number)}
    made = {"a": fields.Integer(), "b": fields.String()}
    if PROPER:
        made["Meta"] = type("Meta", (), {"register": False})
    schema = type(f"Request{number}", (Schema,), made)
    return schema().load(body)["a"]


print(sum(validate(n) for n in range(int(1500 * SIZE))))
