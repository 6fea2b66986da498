"""A SQLAlchemy application that listens for statements on its engine, once more for each request."""
import sys

from sqlalchemy import create_engine, event, text

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
engine = create_engine("sqlite://")


class Request:
    def __init__(self, number):
        self.number = number
        self.statements = []
        self.body = f"request {number} " * 200
        event.listen(engine, "before_cursor_execute", self.note)

    def note(self, connection, cursor, statement, parameters, context, executemany):
        if len(self.statements) < 3:
            self.statements.append(statement)

    def handle(self):
        with engine.connect() as connection:
            return connection.execute(text("select :n + 1"), {"n": self.number}).scalar_one()


print(sum(Request(n).handle() for n in range(int(1200 * SIZE))))
