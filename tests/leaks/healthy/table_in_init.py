"""Healthy: a dictionary of patterns is made once, by the constructor of its owner, and looked up in later."""


class Dictionary:
    def __init__(self, words):
        self.patterns = {}
        for number in range(words):
            word = "%06d" % number
            weights = tuple(int(digit) % 3 for digit in word)
            self.patterns[word] = (weights, word[::-1])

    def weigh(self, word):
        weights, back = self.patterns[word]
        return sum(weights) + len(back)


dictionary = Dictionary(40_000)
print(sum(dictionary.weigh("%06d" % (number % 1_000)) for number in range(60_000)))
