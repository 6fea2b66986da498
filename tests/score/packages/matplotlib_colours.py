"""matplotlib keeps the colour of each name and number it was ever asked for. Proper use: colours from
a fixed set."""
import sys

from matplotlib import colors

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def shade(number):
    red, green, blue, _ = colors.to_rgba(f"#{number % 256 if PROPER else number:06x}")
    return red + green + blue


def paint(frame):
    return sum(shade(frame * 50 + n) for n in range(50))


print(round(sum(paint(n) for n in range(int(1500 * SIZE)))))
