"""Leak: a decorator's memo, looked up by a method that was taken from it beforehand."""
import functools

NOTHING = object()


def remembered(function):
    answers = {}
    find = answers.get

    @functools.wraps(function)
    def ask(*arguments):
        answer = find(arguments, NOTHING)
        if answer is NOTHING:
            answer = answers[arguments] = function(*arguments)
        return answer

    return ask


@remembered
def quote(customer, day):
    return ["%s %d %d" % (customer, day, i + sum(range(60))) for i in range(20)]


print(sum(len(quote("customer %d" % number, number % 7)) for number in range(6_000)))
