"""SQLAlchemy: each request listens to the statements of the engine and is never taken off; the engine
wraps what it is given. Proper use: event.remove()."""
import sys

from sqlalchemy import create_engine, event, text

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def request(engine, number):
    statements = [f"request {number} line {n}" for n in range(30)]

    def note(connection, cursor, statement, parameters, context, executemany):
        statements[0] = statement

    event.listen(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        total = connection.execute(text("select 3 * :n"), {"n": number}).scalar()
    if PROPER:
        event.remove(engine, "before_cursor_execute", note)
    return total


engine = create_engine("sqlite://")
print(sum(request(engine, n) for n in range(int(1500 * SIZE))))
