"""Leak: a memo of memos; the outer dict has four keys, the inner ones grow."""
rates = {}


def rate(currency, day):
    days = rates.setdefault(currency, {})
    if day not in days:
        days[day] = [day * 1.5, day / 3, "%s on day %d" % (currency, day) * 6]
    return days[day]


def main():
    total = 0
    for number in range(50_000):
        total += len(rate(("eur", "usd", "gbp", "yen")[number % 4], number))
        total += sum(i for i in range(160)) % 2
    print(total)


main()
