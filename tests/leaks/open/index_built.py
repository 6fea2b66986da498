"""A batch job: an index is filled through many calls for nearly the whole run, then read once."""


class Index:
    def __init__(self):
        self.places = {}

    def add(self, document, words):
        for word in words:
            self.places.setdefault(word, []).append(document)


def words_of(document):
    return ["word%d" % (document * k % 20_011) for k in range(1, 21)]


def main():
    index = Index()
    for document in range(15_000):
        index.add(document, words_of(document))
    common = sorted(index.places.items(), key=lambda entry: -len(entry[1]))[:3]
    print([(word, len(documents)) for word, documents in common])


main()
