"""Leak: a decorator that notes the arguments and the result of every call, for ever."""
import functools


def audited(function):
    calls = []

    @functools.wraps(function)
    def audit(*arguments):
        result = function(*arguments)
        calls.append((arguments, result))
        return result

    return audit


@audited
def render(number):
    return ("page %d " % number) * 40


print(sum(len(render(number)) + sum(i * i for i in range(600)) % 2 for number in range(20_000)))
