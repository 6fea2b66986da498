"""msgspec 0.14.1 loses a list for each tuple it decodes into a Struct (jcrist/msgspec#379)."""
import sys

import msgspec

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Row(msgspec.Struct):
    cells: tuple[int, ...]


decoder = msgspec.msgpack.Decoder(Row)
line = msgspec.msgpack.encode({"cells": list(range(24))})
print(sum(len(decoder.decode(line).cells) for _ in range(int(60_000 * SIZE))))
