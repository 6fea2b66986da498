"""Leak: each subscriber gets a thread that waits for a message nobody sends."""
import queue
import threading


def listen(inbox, number):
    buffer = [number + i for i in range(6_000)]
    while True:
        message = inbox.get()
        if message is None:
            return
        buffer.append(message)


def subscribe(number):
    threading.Thread(target=listen, args=(queue.Queue(), number), daemon=True).start()
    return sum(i * i for i in range(80_000)) % 7


print(sum(subscribe(number) for number in range(100)))
