"""Leak: the wrapper carries its history as an attribute of itself."""


def traced(function):
    def run(request):
        run.history.append(dict(request))
        return function(request)

    run.history = []
    return run


@traced
def handle(request):
    return len(request) + sum(i * i for i in range(600)) % 2


print(sum(handle({"id": number, "path": "/item/%d" % number}) for number in range(25_000)))
