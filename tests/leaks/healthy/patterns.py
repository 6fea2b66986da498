"""Decoy: thousands of different regular expressions; the library's cache has a bound of its own."""
import re

total = 0
for number in range(8_000):
    found = re.search(r"(\d+)-%d(?:a|b)*" % number, "77-%dabab" % number)
    total += len(found.group(0))
print(total)
