"""Decoy: rows flow through a chain of generators."""


def source(count):
    for number in range(count):
        yield {"number": number, "text": "row %d" % number}


def only_even(rows):
    return (row for row in rows if row["number"] % 2 == 0)


def longer(rows):
    for row in rows:
        yield dict(row, text=row["text"] * 3)


print(sum(len(row["text"]) for row in longer(only_even(source(1_200_000)))))
