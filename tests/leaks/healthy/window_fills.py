"""Decoy: a window that grows to its 12,000 readings in the first half, and exchanges them afterwards."""

SPAN = 12_000
window = {}


def observe(number, text):
    window[number] = text
    if number >= SPAN:
        del window[number - SPAN]


def main():
    total = 0
    for number in range(30_000):
        observe(number, "reading %d " % number * 20)
        total += sum(i for i in range(240)) % 2
    print(total, len(window))


main()
