"""Leak: middleware wrapped around middleware; each layer keeps its own buffer and all before it."""


def plain(request):
    return request


handler = plain


def install(inner, number):
    buffer = bytearray(60_000)

    def layer(request):
        return request + buffer[number % 100]

    layer.inner = inner
    return layer


total = 0
for number in range(400):
    handler = install(handler, number)
    total += handler(number) + sum(i * i for i in range(20_000)) % 3
print(total)
