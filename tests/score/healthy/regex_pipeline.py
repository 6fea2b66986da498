"""A text pipeline of generators: makes access logs, parses them, redacts, counts, ranks words."""
import collections
import hashlib
import heapq
import itertools
import random
import re
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

LINE = re.compile(r'(?P<host>\S+) \S+ (?P<user>\S+) \[(?P<when>[^]]+)\] "(?P<verb>[A-Z]+) '
                  r'(?P<path>\S+) [^"]*" (?P<status>\d{3}) (?P<size>\d+|-) "(?P<agent>[^"]*)"')
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
WORD = re.compile(r"[^\W\d_]{3,}")


def lines(count, rng):
    for n in range(count):
        yield (f'10.0.{rng.randrange(256)}.{rng.randrange(256)} - u{rng.randrange(5000)} '
               f'[12/Mar/2024:10:{n // 60 % 60:02d}:{n % 60:02d} +0000] '
               f'"GET /shop/item/{rng.randrange(10**9)}?mail=user{n}@example.org HTTP/1.1" '
               f'{rng.choice((200, 200, 304, 404, 500))} {rng.randrange(90000)} '
               f'"Mozilla/5.0 (X11; build {rng.randrange(10**6)}) Gecko"')


def parsed(source):
    for line in source:
        match = LINE.match(line)
        if match:
            yield match.groupdict()


def redacted(records):
    for record in records:
        record["path"] = MAIL.sub(lambda m: hashlib.md5(m[0].encode()).hexdigest()[:8], record["path"])
        yield record


def windows(records, size):
    while batch := list(itertools.islice(records, size)):
        yield batch


def main():
    status = collections.Counter()
    busiest = []
    words = collections.Counter()
    rng = random.Random(5)
    for batch in windows(redacted(parsed(lines(int(120_000 * SIZE), rng))), 2000):
        status.update(record["status"] for record in batch)
        hosts = collections.Counter(record["host"].rsplit(".", 1)[0] for record in batch)
        busiest = heapq.nlargest(5, [*busiest, *((count, host) for host, count in hosts.items())])
        words.update(itertools.chain.from_iterable(WORD.findall(r["agent"]) for r in batch))
    print(sorted(status), len(busiest), words.most_common(1)[0][0])


if __name__ == "__main__":
    main()
