"""A nightly report that draws with pyplot and never closes a figure."""
import io
import sys
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
warnings.simplefilter("ignore")


def sparkline(values):
    figure = plt.figure(figsize=(2, 1), dpi=50)
    axes = figure.add_subplot()
    axes.plot(values)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


print(sum(sparkline([n, n * 2 % 7, 3]).startswith(b"\x89PNG") for n in range(int(60 * SIZE))))
