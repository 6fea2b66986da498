"""Neither leak nor health can be proved: one loop fills one local until the program ends."""


def main():
    rows = []
    for number in range(60_000):
        rows.append({"number": number, "sum": sum(i * i for i in range(100))})
    print(len(rows))


main()
