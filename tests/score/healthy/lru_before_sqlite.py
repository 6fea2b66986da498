"""A catalogue in SQLite behind a hand-written LRU: a hash of linked nodes, invalidated by writes."""
import random
import sqlite3
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Node:
    __slots__ = ("key", "value", "before", "after")

    def __init__(self, key=None, value=None):
        self.key, self.value, self.before, self.after = key, value, self, self


class LRU:
    def __init__(self, capacity):
        self.capacity, self.nodes, self.head = capacity, {}, Node()
        self.hits = self.misses = 0

    def unlink(self, node):
        node.before.after, node.after.before = node.after, node.before

    def to_front(self, node):
        node.before, node.after = self.head, self.head.after
        self.head.after.before = node
        self.head.after = node

    def get(self, key):
        node = self.nodes.get(key)
        if node is None:
            self.misses += 1
            return None
        self.hits += 1
        self.unlink(node)
        self.to_front(node)
        return node.value

    def put(self, key, value):
        node = self.nodes.get(key)
        if node is None:
            if len(self.nodes) >= self.capacity:
                oldest = self.head.before
                self.unlink(oldest)
                del self.nodes[oldest.key]
            node = self.nodes[key] = Node(key)
        else:
            self.unlink(node)
        node.value = value
        self.to_front(node)

    def forget(self, key):
        node = self.nodes.pop(key, None)
        if node is not None:
            self.unlink(node)


class Catalogue:
    def __init__(self, articles):
        self.db = sqlite3.connect(":memory:")
        self.db.execute("CREATE TABLE article (id INTEGER PRIMARY KEY, name TEXT, price INTEGER, text TEXT)")
        self.db.executemany("INSERT INTO article VALUES (?, ?, ?, ?)",
                            ((n, f"article {n}", n % 997, "words about it " * 40) for n in range(articles)))
        self.cache = LRU(4000)

    def article(self, number):
        found = self.cache.get(number)
        if found is None:
            row = self.db.execute("SELECT * FROM article WHERE id = ?", (number,)).fetchone()
            found = {"id": row[0], "name": row[1], "price": row[2], "text": row[3], "words": row[3].split()}
            self.cache.put(number, found)
        return found

    def reprice(self, number, price):
        self.db.execute("UPDATE article SET price = ? WHERE id = ?", (price, number))
        self.cache.forget(number)


rng = random.Random(4)
catalogue = Catalogue(20_000)
turnover = 0
for n in range(int(600_000 * SIZE)):
    number = min(int(rng.paretovariate(0.6)), 20_000) - 1
    turnover += catalogue.article(number)["price"]
    if n % 50 == 0:
        catalogue.reprice(number, rng.randrange(1000))
print(len(catalogue.cache.nodes) <= 4000, turnover > 0)
