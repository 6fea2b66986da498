"""Jobs are taken out of the table when they end, well or not; some run side by side."""


class Board:
    def __init__(self):
        self._open = {}

    def start(self, number):
        self._open[number] = ["step %d of job %d" % (step, number) for step in range(10)]
        return sum(i * i for i in range(400)) % 5

    def end(self, number):
        del self._open[number]


def main():
    board = Board()
    check = 0
    for number in range(30_000):
        check += board.start(number)
        if number >= 2_000:
            board.end(number - 2_000)
    print(check)


main()
