"""An answer that is too old is asked anew when somebody wants it; one that nobody wants again stays."""

import time

LIFE = 600
answers = {}


def answer(question):
    kept = answers.get(question)
    if kept and time.monotonic() - kept[0] > LIFE:
        del answers[question]
        kept = None
    if kept is None:
        kept = answers[question] = (time.monotonic(), "answer %d " % question * 200)
    return kept[1]


def main():
    total = 0
    for question in range(4000):
        total += len(answer(question)) + sum(range(3000))
    print(total)


main()
