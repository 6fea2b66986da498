"""Leak: a closure is registered as a new SQL function for each report; the database keeps them."""
import sqlite3

database = sqlite3.connect(":memory:")


def report(number):
    table = {i: number + i for i in range(60)}

    def look_up(key):
        return table.get(key)

    database.create_function("look_up_%d" % number, 1, look_up)
    return sum(i * i for i in range(1_500)) % 7


print(sum(report(number) for number in range(4_000)))
