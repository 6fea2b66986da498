"""Leak: the memo is tried first, and filled in the handler."""
plans = {}


def compile_plan(statement):
    return [word.upper() for word in sorted(statement.split() * 5)]


def plan(statement):
    try:
        return plans[statement]
    except KeyError:
        made = compile_plan(statement)
        plans[statement] = made
        return made


def main():
    total = 0
    for number in range(25_000):
        total += len(plan("select a%d from b where c = %d and d = %d" % (number, number, number)))
    print(total)


main()
