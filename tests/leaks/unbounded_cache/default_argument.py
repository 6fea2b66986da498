"""Leak: the memo is the default argument, a well known idiom."""


def collatz(number, known={}):
    if number not in known:
        steps, value = [], number
        while value != 1:
            value = value // 2 if value % 2 == 0 else 3 * value + 1
            steps.append(value)
        known[number] = steps
    return known[number]


def main():
    print(sum(len(collatz(number)) for number in range(1, 12_000)))


main()
