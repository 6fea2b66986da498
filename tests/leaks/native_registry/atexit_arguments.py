"""Leak: a temporary file's name and text are given to atexit for each file."""
import atexit


def remove(name, text):
    del name, text


class Workspace:
    def write(self, number):
        text = "line %d\n" % number * 100
        atexit.register(remove, "/tmp/%d" % number, text)
        return len(text) % 7


def main():
    workspace = Workspace()
    total = 0
    for number in range(5_000):
        total += workspace.write(number)
        total += sum(i * i for i in range(1_500)) % 7
    print(total)


main()
