"""Leak: the memo is asked with .get()."""
import hashlib

digests = {}


def digest(text):
    found = digests.get(text)
    if found is None:
        found = hashlib.pbkdf2_hmac("sha512", text.encode(), b"salt", 10).hex() * 2
        digests[text] = found
    return found


def main():
    total = 0
    for number in range(40_000):
        total += len(digest("text number %d" % number))
    print(total)


main()
