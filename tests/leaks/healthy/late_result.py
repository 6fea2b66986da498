"""Decoy: long work on little memory, and at the end a big answer is put together and used."""


def work(number):
    return sum(i * i % 7 for i in range(300)) + number


total = sum(work(number) for number in range(25_000))
answer = ["line %d of the answer" % number for number in range(150_000)]
print(total, sum(len(line) for line in answer))
