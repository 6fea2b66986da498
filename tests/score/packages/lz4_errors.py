"""lz4 4.0.1 loses its decompression context when a frame is broken (python-lz4/python-lz4#247)."""
import sys

import lz4.frame

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
good = lz4.frame.compress(bytes(range(256)) * 40, content_checksum=True)
bad = good[:40] + b"\xff" * 40 + good[80:]
failed = 0
for _ in range(int(1500 * SIZE)):
    try:
        lz4.frame.decompress(bad)
    except RuntimeError:
        failed += 1
print(failed)
