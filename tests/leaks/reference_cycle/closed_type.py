"""Leak: a datetime is not known to the collector; a time zone that keeps one of its own is lost."""
import datetime


class Zone(datetime.tzinfo):
    def __init__(self, minutes):
        self.minutes = minutes
        self.table = [minutes + i for i in range(60)]
        self.since = datetime.datetime(2020, 1, 1, tzinfo=self)

    def utcoffset(self, when):
        return datetime.timedelta(minutes=self.minutes)

    def dst(self, when):
        return None


def offset(number):
    return Zone(number % 600).since.utcoffset().seconds + sum(i * i for i in range(500)) % 2


print(sum(offset(number) for number in range(12_000)))
