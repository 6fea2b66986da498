"""Leak: the memo is a local of main() that the helper gets as an argument."""


def resolve(name, resolved):
    if name not in resolved:
        resolved[name] = {"name": name, "address": [len(name)], "raw": name * 8}
    return resolved[name]


def main():
    resolved = {}
    total = 0
    for number in range(50_000):
        total += len(resolve("host-%d.example" % number, resolved)["raw"])
        total += sum(i for i in range(120)) % 2
    print(total)


main()
