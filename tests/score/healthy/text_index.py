"""A full-text index: documents are read into it, segments are merged, then it answers queries."""
import array
import collections
import heapq
import math
import random
import re
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
WORD = re.compile(r"\w+")


class Segment:
    """Postings of some documents, packed: word -> array of (document, count)."""

    def __init__(self, postings):
        self.postings = {word: array.array("L", (n for pair in pairs for n in pair))
                         for word, pairs in postings.items()}

    @classmethod
    def merged(cls, segments):
        out = cls({})
        for segment in segments:
            for word, pairs in segment.postings.items():
                out.postings.setdefault(word, array.array("L")).extend(pairs)
        return out


class Index:
    def __init__(self):
        self.segments, self.lengths, self.fresh = [], array.array("L"), collections.defaultdict(list)

    def add(self, text):
        words = WORD.findall(text.lower())
        number = len(self.lengths)
        self.lengths.append(len(words))
        for word, count in collections.Counter(words).items():
            self.fresh[word].append((number, count))
        if (number + 1) % 500 == 0:
            self.flush()

    def flush(self):
        if self.fresh:
            self.segments.append(Segment(self.fresh))
            self.fresh = collections.defaultdict(list)
        if len(self.segments) > 8:
            self.segments = [Segment.merged(self.segments)]

    def search(self, query, best=10):
        scores = collections.defaultdict(float)
        for word in query:
            found = [segment.postings[word] for segment in self.segments if word in segment.postings]
            rarity = math.log(1 + len(self.lengths) / (1 + sum(len(pairs) // 2 for pairs in found)))
            for pairs in found:
                for at in range(0, len(pairs), 2):
                    scores[pairs[at]] += rarity * pairs[at + 1] / self.lengths[pairs[at]]
        return heapq.nlargest(best, scores.items(), key=lambda item: item[1])


def document(rng, vocabulary):
    return " ".join(rng.choices(vocabulary, k=rng.randint(40, 160)))


rng = random.Random(3)
vocabulary = [f"{rng.choice('bdfgklmnprst')}{rng.choice('aeiou')}{n:x}" for n in range(3000)]
index = Index()
for _ in range(int(8_000 * SIZE)):
    index.add(document(rng, vocabulary))
index.flush()
hits = 0
for _ in range(int(2_500 * SIZE)):
    hits += len(index.search(rng.sample(vocabulary, 3)))
print(hits > 0, len(index.lengths) == int(8_000 * SIZE))
