"""A deprecated function warns with a text that differs each time: the module's registry of
warnings keeps every text. Proper use: the text is constant."""
import sys
import warnings

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
warnings.showwarning = lambda *_: None


def convert(value):
    text = "convert() is deprecated" if PROPER else f"convert({value!r}) is deprecated, see convert_{value}()"
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return [value * n for n in range(200)]


warnings.simplefilter("default")
print(sum(len(convert(n)) for n in range(int(25_000 * SIZE))))
