"""From CSV files to a report: a file is written, read row by row, summed up, checked and printed."""
import collections
import csv
import datetime
import io
import random
import statistics
import sys
from dataclasses import dataclass
from decimal import Decimal

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


@dataclass(frozen=True)
class Sale:
    day: datetime.date
    shop: str
    article: str
    count: int
    price: Decimal

    @classmethod
    def of(cls, row):
        return cls(datetime.date.fromisoformat(row["day"]), row["shop"], row["article"],
                   int(row["count"]), Decimal(row["price"]))


def write(path, month, rng, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["day", "shop", "article", "count", "price"])
        for _ in range(rows):
            out.writerow([datetime.date(2023, month, rng.randint(1, 28)), f"shop {rng.randrange(20)}",
                          f"article {rng.randrange(400)}", rng.randint(1, 9), f"{rng.randint(100, 9999) / 100:.2f}"])


def sales(path, rejected):
    with open(path, newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            sale = Sale.of(row)
            if sale.count == 9 and sale.price > 95:
                rejected.append((path, number, "looks like a typing error"))
                continue
            yield sale


def summary(path):
    rejected, by_shop, by_article = [], collections.defaultdict(Decimal), collections.Counter()
    prices = collections.defaultdict(list)
    for sale in sales(path, rejected):
        by_shop[sale.shop] += sale.count * sale.price
        by_article[sale.article] += sale.count
        prices[sale.article].append(float(sale.price))
    middle = {article: statistics.median(values) for article, values in prices.items()}
    return by_shop, by_article, middle, rejected


def report(month, by_shop, by_article, middle, rejected, out):
    out.write(f"month {month}: {sum(by_shop.values())}, {len(rejected)} rows rejected\n")
    for shop, turnover in sorted(by_shop.items(), key=lambda item: -item[1])[:5]:
        out.write(f"  {shop:10} {turnover:>14,}\n")
    for article, count in by_article.most_common(5):
        out.write(f"  {article:12} {count:6} {middle[article]:8.2f}\n")


rng = random.Random(2)
totals, out = collections.defaultdict(Decimal), io.StringIO()
for month in range(1, 13):
    path = f"sales-{month}.csv"
    write(path, month, rng, int(12_000 * SIZE))
    by_shop, by_article, middle, rejected = summary(path)
    for shop, turnover in by_shop.items():
        totals[shop] += turnover
    report(month, by_shop, by_article, middle, rejected, out)
print(len(totals), out.getvalue().count("month"))
