"""Decoy: a few hundred cycles made while starting with the collector off; then it is switched
on."""
import gc


class Plugin:
    def __init__(self, number):
        self.number = number
        self.host = {"plugin": self}
        self.data = bytearray(30_000)


gc.disable()
for number in range(300):
    Plugin(number)
gc.enable()
total = 0
for number in range(200_000):
    total += len([str(i) for i in range(number % 40)])
print(total)
