"""Leak: pages are kept in a dict that the module gives to a decorator called dict(), which is no
builtin and reads nothing."""


class Memo:
    def dict(self, store):
        def around(function):
            def page(number):
                if number not in store:
                    store[number] = function(number)
                return store[number]
            return page
        return around


memo = Memo()
pages = {}


@memo.dict(pages)
def render(number):
    return ["line %d of page %d" % (i, number) for i in range(16)]


def visit(number):
    return len(render(number)) + sum(i * i for i in range(400)) % 3


print(sum(visit(number) for number in range(12_000)))
