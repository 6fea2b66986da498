"""Sales in pandas: reads a CSV in chunks, joins, groups, pivots, writes a monthly table."""
import io
import sys

import numpy as np
import pandas as pd

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def month(number):
    rng = np.random.default_rng(number)
    frame = pd.DataFrame({
        "day": pd.date_range("2024-01-01", periods=3000, freq="15min"),
        "shop": rng.integers(0, 20, 3000), "product": rng.integers(0, 50, 3000),
        "pieces": rng.integers(1, 9, 3000)})
    return frame.to_csv(index=False)


def load(text):
    parts = []
    for chunk in pd.read_csv(io.StringIO(text), chunksize=1000, parse_dates=["day"]):
        chunk["weekday"] = chunk["day"].dt.day_name()
        parts.append(chunk[chunk["pieces"] > 1])
    return pd.concat(parts, ignore_index=True)


prices = pd.DataFrame({"product": range(50), "price": [1.5 + n % 7 for n in range(50)]})
yearly = pd.Series(dtype=float)
for number in range(int(60 * SIZE)):
    sales = load(month(number)).merge(prices, on="product")
    sales["paid"] = sales["pieces"] * sales["price"]
    table = sales.pivot_table(index="shop", columns="weekday", values="paid", aggfunc="sum").fillna(0)
    by_product = sales.groupby("product").agg(paid=("paid", "sum"), days=("day", "nunique"))
    yearly = by_product["paid"].add(yearly, fill_value=0)
    best = table.sum(axis=1).nlargest(3)
print(len(yearly), len(best))
