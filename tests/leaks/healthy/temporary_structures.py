"""Decoy: dicts, sets and tuples by the hundred thousand, none kept longer than one step."""


def step(number):
    index = {str(i): (i, number) for i in range(60)}
    odd = {value for value, _ in index.values() if value % 2}
    return len(odd) + len(sorted(index))


print(sum(step(number) for number in range(15_000)))
