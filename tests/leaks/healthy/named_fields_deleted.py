"""Thousands of attributes are set on one object, and each is deleted when its visitor has gone."""


class State:
    """Whatever was said of whom."""


state = State()


def remember(number, text):
    setattr(state, f"visitor_{number}", {"text": text, "words": text.split()})
    if number >= 1_500:
        delattr(state, f"visitor_{number - 1_500}")


def main():
    total = 0
    for number in range(9_000):
        remember(number, "visitor %d came back " % number * 12)
        total += len(vars(state)) + sum(i * i for i in range(1_200)) % 3
    print(total)


main()
