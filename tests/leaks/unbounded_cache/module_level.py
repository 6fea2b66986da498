"""Leak: a memo in a module dict, a new key each time, nothing evicted."""


def render(number):
    return bytearray(8_000)


pages = {}


def page(number):
    if number not in pages:
        pages[number] = render(number)
    return pages[number]


total = 0
for number in range(9_000):
    total += len(page(number))
print(total, len(pages))
