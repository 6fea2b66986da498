"""typeguard 2 keeps the hints of each function it checks, weakly by the function; the hints may lead to
it, and then it stays."""

import sys
import typeguard

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def plugin(number):
    class Record:
        def __init__(self, value: int):
            self.value = value

    @typeguard.typechecked
    def load(text: str) -> Record:
        return Record(int(text))

    Record.load = load
    return Record.load(str(number)).value


print(sum(plugin(n) for n in range(int(2500 * SIZE))))
