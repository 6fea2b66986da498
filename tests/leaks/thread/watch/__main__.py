"""Leak: opening a project starts a watcher of its files; nothing stops it when the project closes."""
from .watcher import watch


def project(number):
    watch("/project/%d" % number)
    return sum(i * i for i in range(80_000)) % 7


print(sum(project(number) for number in range(100)))
