"""Leak: jobs that end well are taken out of the table; those that fail stay in it."""


class Board:
    def __init__(self):
        self._open = {}

    def start(self, number):
        self._open[number] = ["step %d of job %d" % (step, number) for step in range(10)]
        return sum(i * i for i in range(400)) % 5

    def end(self, number, well):
        if well:
            del self._open[number]


def main():
    board = Board()
    check = 0
    for number in range(30_000):
        check += board.start(number)
        board.end(number, number % 5 > 1)
    print(check)


main()
