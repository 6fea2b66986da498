"""Tables as columns, in plain Python: filter, group, join and pivot, over and over on fresh data."""
import array
import collections
import operator
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Frame:
    def __init__(self, **columns):
        self.columns = columns

    def __len__(self):
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name):
        return self.columns[name]

    def take(self, rows):
        return Frame(**{name: [column[row] for row in rows] for name, column in self.columns.items()})

    def where(self, name, test):
        return self.take([row for row, value in enumerate(self[name]) if test(value)])

    def group_by(self, *names):
        groups = collections.defaultdict(list)
        for row, key in enumerate(zip(*(self[name] for name in names))):
            groups[key].append(row)
        return Groups(self, names, groups)

    def join(self, other, name):
        places = collections.defaultdict(list)
        for row, value in enumerate(other[name]):
            places[value].append(row)
        left, right = array.array("L"), array.array("L")
        for row, value in enumerate(self[name]):
            for place in places.get(value, ()):
                left.append(row)
                right.append(place)
        mine, theirs = self.take(left), other.take(right)
        return Frame(**mine.columns, **{n: c for n, c in theirs.columns.items() if n != name})


class Groups:
    def __init__(self, frame, names, groups):
        self.frame, self.names, self.groups = frame, names, groups

    def agg(self, **how):
        out = {name: [] for name in (*self.names, *how)}
        for key, rows in self.groups.items():
            for name, value in zip(self.names, key):
                out[name].append(value)
            for name, (column, function) in how.items():
                values = self.frame[column]
                out[name].append(function([values[row] for row in rows]))
        return Frame(**out)

    def pivot(self, column, function):
        table = collections.defaultdict(dict)
        for (row, across), part in zip(self.groups, self.agg(value=(column, function))["value"]):
            table[row][across] = part
        return table


def orders(rng, rows):
    return Frame(day=[rng.randrange(365) for _ in range(rows)], shop=[rng.randrange(12) for _ in range(rows)],
                 article=[rng.randrange(200) for _ in range(rows)],
                 amount=[rng.expovariate(0.02) for _ in range(rows)])


rng = random.Random(9)
articles = Frame(article=list(range(200)), kind=[f"kind {n % 7}" for n in range(200)])
checks = 0
for _ in range(int(60 * SIZE)):
    frame = orders(rng, 15_000)
    big = frame.where("amount", lambda amount: amount > 20).join(articles, "article")
    by_kind = big.group_by("kind", "shop").agg(total=("amount", sum), most=("amount", max), n=("amount", len))
    table = big.group_by("shop", "kind").pivot("amount", sum)
    best = sorted(zip(by_kind["total"], by_kind["kind"]), key=operator.itemgetter(0))[-3:]
    checks += len(best) == 3 and len(table) == 12 and sum(by_kind["n"]) == len(big)
print(checks == int(60 * SIZE))
