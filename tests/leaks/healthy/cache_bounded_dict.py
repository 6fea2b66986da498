"""Twin of unbounded_cache: the dict drops its oldest entry at 2000."""
pages = {}


def render(number):
    return bytearray(3_000)


def page(number):
    if number not in pages:
        while len(pages) >= 2_000:
            del pages[next(iter(pages))]
        pages[number] = render(number)
    return pages[number]


print(sum(len(page(number)) for number in range(400_000)), len(pages))
