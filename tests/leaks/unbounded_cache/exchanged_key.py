"""Leak: every plan is filed under its shape, the draft of it taken out, and no shape ever comes twice."""

plans = {}


def compile_plan(shape):
    plan = plans.get(shape)
    if plan is None:
        plan = {"shape": shape, "steps": [(name, index) for index, name in enumerate(shape)]}
        draft = ("draft", shape)
        plans[draft] = shape
        plans[shape] = plan
        del plans[draft]
    return plan


def main():
    total = 0
    for number in range(16_000):
        shape = tuple("column %d of %d" % (column, number) for column in range(4))
        total += len(compile_plan(shape)["steps"])
        total += sum(i for i in range(400)) % 2
    print(total)


main()
