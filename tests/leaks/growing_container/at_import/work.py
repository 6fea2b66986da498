import json

journal = []


def note(number):
    journal.append({"number": number, "text": "entry number %d" % number})
    return len(json.dumps(journal[-1]))


total = 0
for step in range(120_000):
    total += note(step)
    total += sum(range(60)) % 2
print(total)
