"""Decoy: arithmetic and hardly an object kept."""


def primes(limit):
    sieve = bytearray([1]) * (limit + 1)
    found = 0
    for number in range(2, limit + 1):
        if sieve[number]:
            found += 1
            sieve[number * number::number] = bytes(len(range(number * number, limit + 1, number)))
    return found


print(primes(2_000_000), sum(i * i % 7 for i in range(6_000_000)))
