"""Twin of closure: each callback keeps a number instead of the table it came from."""


def make_reader(number):
    table = [number + i for i in range(12_000)]
    size = len(table)

    def read():
        return size

    return read


readers = []
for number in range(1_000):
    readers.append(make_reader(number))
print(len(readers), readers[-1]())
