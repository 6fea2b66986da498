"""Leak: a cache meant for a few answers, asked with the time in its key."""


class Weather:
    answers = {}

    @classmethod
    def at(cls, place, tick):
        try:
            return cls.answers[place, tick]
        except KeyError:
            answer = cls.answers[place, tick] = {"place": place, "report": "fine " * 40}
            return answer


def main():
    total = 0
    for tick in range(40_000):
        total += len(Weather.at("town %d" % (tick % 5), tick)["report"])
        total += sum(i * i for i in range(100)) % 2
    print(total)


main()
