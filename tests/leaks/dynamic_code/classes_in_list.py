"""Leak: a class is made for each document, and a list keeps all of them."""

known = []


def model_of(number):
    model = type("Document", (), {"number": number, "fields": ("id", "title"), "__slots__": ()})
    known.append(model)
    return model


total = 0
for number in range(7_000):
    total += model_of(number).number % 5 + sum(i * i for i in range(1_600)) % 2
print(total)
