"""One Pickler for a stream of messages: its memo keeps every object it has written.
Proper use: clear_memo() after each."""
import io
import pickle
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def main():
    out = io.BytesIO()
    pickler = pickle.Pickler(out)
    written = 0
    for n in range(int(25_000 * SIZE)):
        pickler.dump({"number": n, "text": f"message {n} " * 50, "tags": [str(k) for k in range(n, n + 9)]})
        if PROPER:
            pickler.clear_memo()
        written += out.tell()
        out.seek(0)
        out.truncate()
    print(written > 0)


main()
