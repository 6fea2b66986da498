"""Leak: each callback keeps the table it was made with; the list of callbacks keeps them all."""


def make_reader(number):
    table = [number + i for i in range(4_000)]

    def read():
        return table

    return read


readers = []
for number in range(600):
    readers.append(make_reader(number))
print(len(readers), readers[-1]()[0])
