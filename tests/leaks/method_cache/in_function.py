"""Leak: the class and its cached method live inside main(), the objects only in the cache."""
from functools import lru_cache


def main():
    class Parser:
        def __init__(self, text):
            self.text = text
            self.tokens = text.split()

        @lru_cache(maxsize=None)
        def longest(self, at_least):
            return max(len(token) for token in self.tokens if len(token) >= at_least)

    total = 0
    for number in range(9_000):
        text = " ".join("word%d" % (number * 31 + i) for i in range(12))
        total += Parser(text).longest(2) + sum(i * i for i in range(1_000)) % 2
    print(total)


main()
