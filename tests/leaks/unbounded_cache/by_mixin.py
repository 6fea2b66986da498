"""Leak: what looks up and stores is a second base of the class that has the table, by another name
for it."""


class Named:
    def __init__(self, function, answers):
        self.name = function.__name__
        self.answers = answers


class Remembers:
    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        answers = self.answers
        try:
            return answers[arguments]
        except KeyError:
            answers[arguments] = answer = self.function(*arguments)
        return answer


class Remembered(Named, Remembers):
    def __init__(self, function, answers):
        Named.__init__(self, function, answers)
        Remembers.__init__(self, function)


def quote(customer, day):
    return ["%s %d %d" % (customer, day, i + sum(range(60))) for i in range(20)]


ask = Remembered(quote, {})
print(sum(len(ask("customer %d" % number, number % 7)) for number in range(6_000)))
