"""Healthy: a window of the last 3000 readings: each that comes in takes the place of the oldest."""

SPAN = 3_000
window = {number: "no reading yet" for number in range(-SPAN, 0)}


def observe(number, text):
    window[number] = text
    del window[number - SPAN]


def main():
    total = 0
    for number in range(40_000):
        observe(number, "reading %d " % number * 20)
        total += sum(i for i in range(200)) % 2
    print(total, len(window))


main()
