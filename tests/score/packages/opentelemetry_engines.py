"""The instrumentation of SQLAlchemy kept how to undo its listeners for each engine, and with that a
tracer (open-telemetry/opentelemetry-python-contrib#1761, #3053)."""

import sys
import sqlalchemy
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

SQLAlchemyInstrumentor().instrument()


def tenant(number):
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("create table t (a int)"))
        connection.execute(sqlalchemy.text("insert into t values (:n)"), {"n": number})
        total = connection.execute(sqlalchemy.text("select sum(a) from t")).scalar()
    engine.dispose()
    return total


print(sum(tenant(n) for n in range(int(3000 * SIZE))))
