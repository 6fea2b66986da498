"""Leak: the thread's connection notes each query it was asked, for a debugger nobody starts."""
from .connection import connection


def page(number):
    connection().execute("select * from page where number = %d" % number + " " * 500)
    return sum(i * i for i in range(1_500)) % 7


print(sum(page(number) for number in range(12_000)))
