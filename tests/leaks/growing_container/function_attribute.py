"""Leak: a function remembers its calls in an attribute of itself."""


def greet(number):
    greet.calls.append("greeted number %d " % number * 10)
    return len(greet.calls[-1]) + sum(i * i for i in range(120)) % 2


greet.calls = []
print(sum(greet(number) for number in range(50_000)))
