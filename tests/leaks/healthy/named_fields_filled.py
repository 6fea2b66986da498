"""Decoy: an object gets its thousands of attributes at the start, and is only read from then on."""


class State:
    """A value for each name of a form."""


state = State()


def define(number):
    text = "field %d of the form " % number * 12
    setattr(state, f"field_{number}", {"text": text, "words": text.split()})


def main():
    for number in range(3_000):
        define(number)
    total = 0
    for number in range(12_000):
        total += len(getattr(state, f"field_{number % 3_000}")["words"])
        total += sum(i * i for i in range(1_200)) % 3
    print(total)


main()
