"""Leak: a dataclass field with a default factory, on one long-lived object."""
import dataclasses


@dataclasses.dataclass
class Session:
    name: str
    messages: list = dataclasses.field(default_factory=list)

    def receive(self, number):
        self.messages.append((number, "message %d for %s " % (number, self.name) * 5))
        return sum(i * i for i in range(120)) % 2


def main():
    session = Session("guest")
    print(sum(session.receive(number) for number in range(50_000)))


main()
