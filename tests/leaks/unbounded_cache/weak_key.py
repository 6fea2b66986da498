"""Leak: weak keys do not help if the value refers to its own key."""
import weakref


class Document:
    def __init__(self, number):
        self.text = "document %d " % number * 20


class View:
    def __init__(self, document):
        self.document = document


views = weakref.WeakKeyDictionary()


def view(document):
    if document not in views:
        views[document] = View(document)
    return views[document]


def show(number):
    return len(view(Document(number)).document.text) + sum(i * i for i in range(150)) % 2


print(sum(show(number) for number in range(25_000)))
