"""Twin of unbounded_cache/of_decorator.py: the store forgets what is oldest."""
import functools


class Memory:
    def __init__(self):
        self._results = {}

    def fetch(self, question):
        return self._results.get(question)

    def keep(self, question, answer):
        while len(self._results) >= 200:
            del self._results[next(iter(self._results))]
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
