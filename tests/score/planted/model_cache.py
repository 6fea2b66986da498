"""An active-record model with a class-level identity cache that nobody empties."""
import sqlite3
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Model:
    table = ""
    fields = ()
    database = None
    _loaded = {}

    def __init__(self, row):
        for name, value in zip(self.fields, row):
            setattr(self, name, value)

    @classmethod
    def get(cls, number):
        known = cls._loaded.get((cls.table, number))
        if known is not None:
            return known
        row = cls.database.execute(f"select {', '.join(cls.fields)} from {cls.table} where id = ?",
                                   (number,)).fetchone()
        made = cls(row)
        cls._loaded[cls.table, number] = made
        return made


class Customer(Model):
    table, fields = "customer", ("id", "name", "town")


class Parcel(Model):
    table, fields = "parcel", ("id", "customer", "note")

    def address(self):
        customer = Customer.get(self.customer)
        return f"{customer.name}, {customer.town}"


def main():
    parcels = int(25_000 * SIZE)
    database = Model.database = sqlite3.connect(":memory:")
    database.executescript("""create table customer (id integer primary key, name, town);
        create table parcel (id integer primary key, customer, note);""")
    database.executemany("insert into customer values (?, ?, ?)",
                         ((n, f"customer {n}", f"town {n % 50}") for n in range(300)))
    database.executemany("insert into parcel values (?, ?, ?)",
                         ((n, n % 300, f"note {n} " * 20) for n in range(parcels)))
    length = 0
    for n in range(parcels):
        length += len(Parcel.get(n).address())
        if n % 20 == 0:
            length += database.execute("select count(*) from parcel where id % 97 = ?",
                                       (n % 97,)).fetchone()[0] if n % 400 == 0 else 0
    print(length)


main()
