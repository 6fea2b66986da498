"""A report engine that makes a row class for each query and keeps it by name for pickling."""
import collections
import sqlite3
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Engine:
    def __init__(self):
        self.database = sqlite3.connect(":memory:")
        self.database.execute("create table sale (day integer, shop integer, paid real)")
        self.database.executemany("insert into sale values (?, ?, ?)",
                                  ((n % 365, n % 20, n % 900) for n in range(3000)))
        self.row_types = []

    def query(self, number, shop):
        cursor = self.database.execute(
            f"select day, count(*) as sales_{number}, sum(paid) as paid_{number} from sale "
            "where shop = ? group by day limit 20", (shop,))
        row = collections.namedtuple(f"Row{number}", [column[0] for column in cursor.description])
        self.row_types.append(row)
        return [row(*values) for values in cursor]


engine = Engine()
print(sum(len(engine.query(n, n % 20)) for n in range(int(1500 * SIZE))))
