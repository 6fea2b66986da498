"""Healthy: the same SQL function is registered again for each report; the new one replaces the old."""
import sqlite3

database = sqlite3.connect(":memory:")


def report(number):
    table = {i: number + i for i in range(300)}

    def look_up(key):
        return table.get(key)

    database.create_function("look_up", 1, look_up)
    return sum(i * i for i in range(2_000)) % 7


print(sum(report(number) for number in range(3_000)))
