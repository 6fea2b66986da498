"""Leak: a dict of four names; the text under each gets longer and longer."""
notes = {"north": "", "east": "", "south": "", "west": ""}
names = list(notes)


def note(number):
    name = names[number % 4]
    notes[name] += "note %d: nothing to see " % number * 1_600
    return sum(i * i for i in range(8_000)) % 2


print(sum(note(number) for number in range(400)))
