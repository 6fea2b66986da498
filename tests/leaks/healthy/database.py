"""Decoy: SQLite in memory, rows written, read and deleted."""
import sqlite3

database = sqlite3.connect(":memory:")
database.execute("create table item (id integer primary key, name text, price real)")
total = 0
for batch in range(120):
    rows = [(batch * 1_000 + i, "item %d" % i, i / 7) for i in range(1_000)]
    database.executemany("insert into item values (?, ?, ?)", rows)
    for name, price in database.execute("select name, price from item order by price desc"):
        total += len(name)
    database.execute("delete from item where id < ?", (batch * 1_000 - 2_000,))
    database.commit()
print(total)
