"""Decoy: a pool that swells and shrinks like the tide."""

pool = []


def step(tick):
    level = 5_000 + 4_000 * (1 if tick % 20 < 10 else -1)
    while len(pool) < level:
        pool.append(bytearray(700))
    while len(pool) > level:
        pool.pop()
    return len(pool)


print(sum(step(tick) + sum(i for i in range(20_000)) % 2 for tick in range(600)))
