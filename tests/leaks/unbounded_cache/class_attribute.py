"""Leak: the memo is an attribute of the class, shared by all instances."""


class Translator:
    _known = {}

    def __init__(self, language):
        self.language = language

    def translate(self, sentence):
        key = (self.language, sentence)
        if key not in self._known:
            self._known[key] = sentence[::-1] * 3
        return self._known[key]


def main():
    total = 0
    for number in range(40_000):
        translator = Translator("xy"[number % 2])
        total += len(translator.translate("this is sentence number %d" % number))
        total += sum(i for i in range(240)) % 2
    print(total)


main()
