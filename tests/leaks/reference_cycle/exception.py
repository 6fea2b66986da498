"""Leak: the frame holds the exception and the exception its frame; the collector is off."""
import gc


def convert(text):
    buffer = bytearray(1_000)
    failure = None
    try:
        buffer[0] = int(text)
    except ValueError as problem:
        failure = problem
    return failure is None


def main():
    gc.disable()
    good = 0
    for number in range(14_000):
        good += convert("%d" % (number % 200))
        good += convert("number %d" % number)
        good += sum(i * i for i in range(400)) % 2
    print(good)


main()
