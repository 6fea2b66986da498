"""Leak: a dict is written under a new key per message and nobody ever reads it."""
import hashlib

receipts = {}


def handle(message):
    mark = hashlib.md5(message).hexdigest()
    receipts[mark] = (len(message), message[:40], message[40:])
    return len(mark)


def main():
    total = 0
    for number in range(30_000):
        total += handle(b"message number %d " % number * 12)
    print(total, len(receipts))


if __name__ == "__main__":
    main()
