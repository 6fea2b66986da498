"""peewee: a model class for each tenant; every model that refers to another is noted by the other.
Proper use: a model once."""
import sys

import peewee

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
database = peewee.SqliteDatabase(":memory:")


class User(peewee.Model):
    name = peewee.TextField()

    class Meta:
        database = database


def note_model(number):
    return type(f"Note{number}", (peewee.Model,), {
        "user": peewee.ForeignKeyField(User, backref=f"notes_{number}"), "text": peewee.TextField(),
        "Meta": type("Meta", (), {"database": database})})


one = note_model(0)


def query(number):
    model = one if PROPER else note_model(number + 1)
    return len(model.select().where(model.text == "x").sql()[0])


print(sum(query(n) > 0 for n in range(int(1200 * SIZE))))
