"""Decodes mail with whatever charset the sender claims: the encodings package remembers each
unknown name. Proper use: only charsets from a list are tried."""
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
KNOWN = {"utf-8", "latin-1", "cp1252", "koi8-r"}


def text_of(body, charset):
    if PROPER and charset not in KNOWN:
        return body.decode("ascii", "replace")
    try:
        return body.decode(charset)
    except LookupError:
        return body.decode("latin-1")


print(sum(len(text_of(b"hello " * 20, f"x-made-up-charset-number-{n}-of-some-spammer"))
          for n in range(int(25_000 * SIZE))))
