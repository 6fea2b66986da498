"""Healthy, larger: a nightly job; import, aggregate, report, from one SQLite table to another."""
import collections
import csv
import io
import sqlite3

Sale = collections.namedtuple("Sale", "day shop article amount")


def export(day):
    """One day's sales as the shops send them."""
    text = io.StringIO()
    writer = csv.writer(text)
    for number in range(300):
        article = "article%d" % (number * 31 % 97)
        writer.writerow([day, "shop%d" % (number % 12), article, number * day % 500])
    return text.getvalue()


def read(text):
    for row in csv.reader(io.StringIO(text)):
        yield Sale(int(row[0]), row[1], row[2], int(row[3]))


class Warehouse:
    def __init__(self):
        self.database = sqlite3.connect(":memory:")
        self.database.row_factory = sqlite3.Row
        self.database.executescript("""
            create table sale (day int, shop text, article text, amount int);
            create table total (shop text primary key, amount int);
        """)

    def load(self, sales):
        self.database.executemany("insert into sale values (?, ?, ?, ?)", sales)

    def close_day(self, day):
        query = "select shop, sum(amount) as amount from sale where day = ? group by shop"
        rows = self.database.execute(query, (day,)).fetchall()
        for row in rows:
            self.database.execute(
                "insert into total values (?, ?) on conflict (shop)"
                " do update set amount = amount + ?",
                (row["shop"], row["amount"], row["amount"]))
        self.database.execute("delete from sale where day <= ?", (day - 7,))
        self.database.commit()

    def report(self):
        lines = ["%-8s %10d" % (row["shop"], row["amount"])
                 for row in self.database.execute("select * from total order by shop")]
        return "\n".join(lines)


def main():
    warehouse = Warehouse()
    size = 0
    for day in range(1, 301):
        warehouse.load(read(export(day)))
        warehouse.close_day(day)
        size += len(warehouse.report())
    print(size)
    print(warehouse.report().splitlines()[0])


main()
