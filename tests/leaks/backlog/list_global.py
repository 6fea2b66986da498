"""Leak: pages to visit are found faster than they are visited."""

to_visit = ["page 0"]


def links_of(page):
    return [page[:40] + " > link %d" % i + "." * 300 for i in range(3)]


def visit_next():
    page = to_visit.pop(0)
    return len(page) + sum(i * i for i in range(1_000)) % 2


def found(page):
    for link in links_of(page):
        to_visit.append(link)


total = 0
for number in range(8_000):
    found(to_visit[0])
    total += visit_next()
print(total)
