"""Leak: each page asks for its own close() when it is gone, and so is never gone."""
import weakref


class Page:
    def __init__(self, number):
        self.text = f"page {number} " * 60
        weakref.finalize(self, self.close)

    def close(self):
        self.text = ""


def crawl(number):
    page = Page(number)
    return len(page.text) + sum(i * i for i in range(1_200)) % 3


def main():
    print(sum(crawl(number) for number in range(9_000)))


main()
