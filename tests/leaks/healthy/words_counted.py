"""A count of main()'s: what is found for a word is stored again with one more, and all is shown at the
end."""


class Words:
    def __init__(self):
        self.counts = {}

    def add(self, word):
        self.counts[word] = self.counts.get(word, 0) + 1
        return sum(i * i for i in range(300)) % 3

    def shown(self):
        return sorted(self.counts.items(), key=lambda item: -item[1])


def main():
    words = Words()
    check = 0
    for number in range(24_000):
        check += words.add("word number %d of the text " % (number * 7919 % 23_000) * 4)
    print(check, len(words.shown()))


main()
