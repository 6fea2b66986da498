"""Leak: a decorator's store of results, looked up by one method and filled by another."""
import functools


class Memory:
    def __init__(self):
        self._results = {}

    def fetch(self, question):
        return self._results.get(question)

    def keep(self, question, answer):
        self._results[question] = answer


def remembered(store):
    def decorate(function):
        memory = store()

        @functools.wraps(function)
        def ask(question):
            answer = memory.fetch(question)
            if answer is None:
                answer = function(question)
                memory.keep(question, answer)
            return answer

        ask.memory = memory
        return ask

    return decorate


@remembered(Memory)
def report(number):
    total = sum(i * i for i in range(500))
    return "report %d: %d " % (number, total) + "." * 600


print(sum(len(report(number)) for number in range(14_000)))
