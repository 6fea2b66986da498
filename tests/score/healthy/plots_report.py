"""Draws the charts of a report with matplotlib's Agg, and closes each figure."""
import io
import math
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def chart(number):
    figure, axes = plt.subplots(1, 2, figsize=(5, 2.5), dpi=70)
    xs = [n / 20 for n in range(200)]
    axes[0].plot(xs, [math.sin(x * (1 + number % 5)) for x in xs], label=f"run {number}")
    axes[0].legend(loc="upper right")
    axes[0].set_title(f"signal {number}")
    axes[1].bar(range(12), [(number * n) % 17 for n in range(12)])
    out = io.BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    return len(out.getvalue())


print(sum(chart(n) > 1000 for n in range(int(30 * SIZE))))
