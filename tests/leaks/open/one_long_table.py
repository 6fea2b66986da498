"""Neither leak nor health can be proved: a module's loop fills a table and the program is over."""
table = {}
for number in range(60_000):
    table[number] = [number, sum(i for i in range(150)), str(number)]
print(len(table))
