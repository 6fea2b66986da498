"""msgpack 0.5.4, in pure Python: an Unpacker that is fed never drops what it has read
(msgpack/msgpack-python#283)."""
import os
import sys

os.environ["MSGPACK_PUREPYTHON"] = "1"
from msgpack import fallback  # noqa: E402

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Stream:
    def __init__(self):
        self.unpacker = fallback.Unpacker(raw=False, max_buffer_size=2**31 - 1)
        self.packer = fallback.Packer(use_bin_type=True)

    def message(self, number):
        self.unpacker.feed(self.packer.pack({"number": number, "text": f"message {number} " * 60}))
        return sum(message["number"] for message in self.unpacker)


stream = Stream()
print(sum(stream.message(n) for n in range(int(30_000 * SIZE))))
