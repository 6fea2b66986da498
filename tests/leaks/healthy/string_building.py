"""Decoy: a long text put together from pieces, again and again."""


def report(number):
    text = ""
    for line in range(3_000):
        text += "line %d of report %d\n" % (line, number)
    return text


print(sum(len(report(number)) for number in range(400)))
