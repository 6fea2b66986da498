"""Twin of growing_container: the default is None and each call gets a list of its own."""


def collect(number, found=None):
    if found is None:
        found = []
    found.append("finding number %d " % number * 12)
    return len(found)


print(sum(collect(number) + sum(i for i in range(50)) % 2 for number in range(250_000)))
