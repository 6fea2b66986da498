"""Leak: a keyword-only default of a method, a dict that every call writes to."""


class Report:
    def enter(self, number, *, trail={}):
        trail[number] = "step %d " % number * 15
        return number % 7


def main():
    report = Report()
    total = 0
    for number in range(70_000):
        total += report.enter(number) + sum(i for i in range(240)) % 2
    print(total)


main()
