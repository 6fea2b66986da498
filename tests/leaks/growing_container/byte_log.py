"""Leak: one bytearray that all lines are added to."""
journal = bytearray()


def note(number):
    line = b"%06d %s\n" % (number, b"all is well " * 30)
    journal.extend(line)
    return sum(i * i for i in range(200)) % 2


print(sum(note(number) for number in range(50_000)), len(journal))
