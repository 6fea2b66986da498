"""Leak: C code is given a new reference to a bound method for each request, and never drops one."""
import ctypes

keep = ctypes.pythonapi.Py_IncRef
keep.argtypes = [ctypes.py_object]


class Listener:
    def __init__(self, number):
        self.buffer = bytearray(1_500)
        keep(self.ready)

    def ready(self):
        return len(self.buffer)


def request(number):
    return Listener(number).ready() + sum(i * i for i in range(1_500)) % 7


print(sum(request(number) for number in range(5_000)))
