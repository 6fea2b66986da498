"""Leak: main() keeps every finished callback in a local list."""


def schedule(number):
    payload = bytearray(b"%d" % number) * 200

    def later():
        return len(payload)

    return later


def main():
    pending = []
    total = 0
    for number in range(25_000):
        pending.append(schedule(number))
        total += pending[-1]() + sum(i * i for i in range(600)) % 3
    print(total)


main()
