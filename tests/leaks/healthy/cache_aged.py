"""Twin of unbounded_cache: an entry lives for a thousand ticks."""
answers = {}
born = []


def ask(number):
    if number in answers:
        return answers[number]
    answers[number] = "answer to %d " % number * 60
    born.append(number)
    if len(born) > 2_000:
        for old in born[:1_000]:
            answers.pop(old)
        del born[:1_000]
    return answers[number]


print(sum(len(ask(number)) for number in range(600_000)))
