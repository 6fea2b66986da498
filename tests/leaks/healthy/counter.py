"""Decoy: a dict that counts; its keys are the words of a small language."""
counts = {}


def count(text):
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1


for number in range(400_000):
    count("one word%d two word%d three" % (number % 900, number % 1_300))
print(len(counts), max(counts.values()))
