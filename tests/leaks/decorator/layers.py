"""Leak: a handler is decorated once more at each reload; all layers before it are inside it."""


def checked(function, limits):
    def check(request):
        return function(request) if len(limits) > request else 0

    return check


def plain(request):
    return request


class Server:
    handler = staticmethod(plain)

    def reload(self, number):
        Server.handler = staticmethod(checked(Server.handler, [number] * 4_000))


server = Server()
total = 0
for number in range(700):
    server.reload(number)
    total += server.handler(number % 7) + sum(i * i for i in range(12_000)) % 3
print(total)
