"""tarfile keeps every member of a stream it reads. Proper use: the list is emptied while reading."""

import io
import os
import sys
import tarfile
import threading

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def produce(fd, n):
    with os.fdopen(fd, "wb") as out, tarfile.open(fileobj=out, mode="w|") as tar:
        for i in range(n):
            info = tarfile.TarInfo(f"logs/2024/{i % 97}/part-{i}.json")
            body = b'{"n": %d}' % i
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
            tar.members = []


def consume(fd):
    total = 0
    with os.fdopen(fd, "rb") as source, tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            total += len(tar.extractfile(member).read())
            if PROPER:
                tar.members = []
    return total


r, w = os.pipe()
t = threading.Thread(target=produce, args=(w, int(7000 * SIZE)))
t.start()
print(consume(r))
t.join()
