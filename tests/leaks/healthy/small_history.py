"""Decoy: something does grow, a number per thousand steps; it is not worth a word."""
marks = []


def step(number):
    if number % 1_000 == 0:
        marks.append(number)
    return len(str(number) * (number % 30))


print(sum(step(number) for number in range(800_000)), len(marks))
