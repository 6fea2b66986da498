import atexit
import functools


def flush(buffer, name):
    buffer.clear()


def on_exit(name):
    buffer = [name] * 150
    atexit.register(functools.partial(flush, buffer, name))
    return buffer
