"""Leak: what is known of each visitor is set as an attribute of one object, under ever new names."""


class State:
    """Whatever was said of whom."""


state = State()


def remember(number, text):
    setattr(state, f"visitor_{number}", {"text": text, "words": text.split()})


def main():
    total = 0
    for number in range(6_000):
        remember(number, "visitor %d came back " % number * 12)
        total += len(vars(state)) + sum(i * i for i in range(1_200)) % 3
    print(total)


main()
