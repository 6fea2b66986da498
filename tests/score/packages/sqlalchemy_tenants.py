"""SQLAlchemy: the table of each tenant is described in the one MetaData of the program, which keeps it
when the tenant is gone. Proper use: a MetaData for each tenant; and tenants come back, since the
dialect keeps how each name is quoted, whoever asks."""

import sys

from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, func, select

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
metadata = MetaData()


def load(connection, number):
    home = MetaData() if PROPER else metadata
    number = number % 50 if PROPER else number
    columns = [Column(f"field{n}", Text) for n in range(6)]
    table = Table(f"tenant_{number}", home, Column("id", Integer, primary_key=True), *columns)
    table.create(connection)
    connection.execute(table.insert(), [{"field0": "a"}, {"field0": "b"}])
    rows = connection.execute(select(func.count()).select_from(table)).scalar()
    table.drop(connection)
    return rows


engine = create_engine("sqlite://")
with engine.begin() as connection:
    print(sum(load(connection, n) for n in range(int(600 * SIZE))))
