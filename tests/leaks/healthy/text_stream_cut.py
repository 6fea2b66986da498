"""A log is written to streams in memory, which are cut when they have been sent."""
import io

text, data = io.StringIO(), io.BytesIO()


def note(number):
    text.write("request %d came in " % number * 20)
    data.write(b"request %d came in " % number * 20)
    if data.tell() > 300_000:
        for stream in (text, data):
            stream.seek(0)
            stream.truncate(0)


def main():
    total = 0
    for number in range(12_000):
        note(number)
        total += sum(i * i for i in range(700)) % 3
    print(total)


main()
