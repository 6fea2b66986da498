"""Leak: a dict of sixty names; the text under each gets longer and longer."""
names = ["place %d" % number for number in range(60)]
notes = dict.fromkeys(names, "")


def note(number):
    name = names[number % 60]
    notes[name] += "note %d: nothing to see " % number * 400
    return sum(i * i for i in range(3_000)) % 2


print(sum(note(number) for number in range(1_600)))
