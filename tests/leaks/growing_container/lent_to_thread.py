"""An archive that grows. The work a thread has at hand leads to it too, by many steps; it is not the
thread's: it would outlive it."""

import os
import threading

at_hand = threading.local()


class Archive:
    def __init__(self):
        self.letters = []

    def file(self, number):
        self.letters.append(("letter %d " % number) * 20)


class Office:
    def __init__(self, archive):
        self.archive = archive


class Clerk:
    def __init__(self, office):
        self.office = office


class Shift:
    def __init__(self, *clerks):
        self.clerks = list(clerks)


def main():
    archive = Archive()
    at_hand.shift = Shift(Clerk(Office(archive)))
    for number in range(40000):
        at_hand.shift.clerks[0].office.archive.file(number)
    print(len(archive.letters), flush=True)
    os._exit(0)  # while the archive is still at hand


if __name__ == "__main__":
    main()
