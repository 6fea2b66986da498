"""A ledger in SQLite: transfers in transactions, a trigger, reports with window functions."""
import random
import sqlite3
import sys
from contextlib import closing

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

SCHEMA = """
create table account (id integer primary key, owner text not null, balance integer not null);
create table entry (id integer primary key, source integer, target integer, amount integer,
                    day integer);
create index entry_day on entry (day);
create trigger book after insert on entry begin
    update account set balance = balance - new.amount where id = new.source;
    update account set balance = balance + new.amount where id = new.target;
end;
"""


class Overdrawn(Exception):
    pass


class Checksum:
    """An aggregate of our own."""

    def __init__(self):
        self.value = 0

    def step(self, number):
        self.value = (self.value * 31 + number) % 1_000_003

    def finalize(self):
        return self.value


def transfer(db, source, target, amount, day):
    with db:
        db.execute("insert into entry (source, target, amount, day) values (?, ?, ?, ?)",
                   (source, target, amount, day))
        (left,) = db.execute("select balance from account where id = ?", (source,)).fetchone()
        if left < -5000:
            raise Overdrawn(source)


def report(db, day):
    rows = db.execute("""
        select target, sum(amount) as total, rank() over (order by sum(amount) desc) as place
        from entry where day = ? group by target order by place limit 10""", (day,)).fetchall()
    return [(row["target"], row["total"]) for row in rows]


def main():
    rng = random.Random(1)
    refused = 0
    with closing(sqlite3.connect("ledger.db")) as db:
        db.row_factory = sqlite3.Row
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = off")
        db.create_aggregate("checksum", 1, Checksum)
        db.executescript(SCHEMA)
        with db:
            db.executemany("insert into account values (?, ?, 1000)",
                           ((n, f"owner {n}") for n in range(500)))
        best = None
        for day in range(int(200 * SIZE)):
            for _ in range(250):
                try:
                    transfer(db, rng.randrange(500), rng.randrange(500), rng.randrange(1, 900), day)
                except Overdrawn:
                    refused += 1
            best = report(db, day)
            with db:
                db.execute("delete from entry where day < ?", (day - 5,))
        (sum_,) = db.execute("select checksum(balance) from account").fetchone()
        (total,) = db.execute("select sum(balance) from account").fetchone()
    print(total, refused > 0, sum_ >= 0, len(best))


if __name__ == "__main__":
    main()
