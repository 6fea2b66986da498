"""A tracer that wraps a function of the program with wrapt at the start of each job, around the wrapper
of the job before. Proper use: it puts back what it found."""

import sys

import wrapt

# each wrapper is a level of recursion: a thousand of them would be an error
SIZE = min(1.5, float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
PROPER = "proper" in sys.argv[2:]


class Bank:
    def rate(self, amount):
        return amount * 3 % 7


def job(bank, number):
    trace = {"job": number, "steps": [f"step {n} of {number}" for n in range(300)]}

    def traced(wrapped, instance, args, kwargs):
        trace["last"] = args
        return wrapped(*args, **kwargs)

    before = Bank.__dict__["rate"]
    wrapt.wrap_function_wrapper(Bank, "rate", traced)
    total = sum(bank.rate(n) for n in range(20))
    if PROPER:
        Bank.rate = before
    return total


print(sum(job(Bank(), n) for n in range(int(150 * SIZE))))
