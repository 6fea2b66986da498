"""Each page has what it opened closed when it is gone: the finalizer does not know the page."""
import weakref


class Page:
    def __init__(self, number):
        self.text = f"page {number} " * 60
        self.links = [number]
        weakref.finalize(self, list.clear, self.links)


def crawl(number):
    page = Page(number)
    return len(page.text) + sum(i * i for i in range(1_200)) % 3


def main():
    print(sum(crawl(number) for number in range(9_000)))


main()
