"""A crawler that fetches with a time limit: the fetching thread of a dead host waits for ever."""
import sys
import threading
import queue

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Host:
    """A host of our own: every third never answers."""

    def __init__(self, number):
        self.number = number
        self.answered = threading.Event()

    def get(self):
        if self.number % 3 == 0:
            self.answered.wait()
        return " ".join(f"<a href='/{self.number}/{n}'>link {n}</a>" for n in range(300))


def download(host, answers):
    buffer = bytearray(30_000)
    page = host.get()
    buffer[:10] = page[:10].encode()
    answers.put(page)


def fetch(host, limit):
    answers = queue.Queue()
    threading.Thread(target=download, args=(host, answers), daemon=True).start()
    try:
        return answers.get(timeout=limit)
    except queue.Empty:
        return ""


links = 0
for n in range(int(900 * SIZE)):
    links += fetch(Host(n), 0.004).count("href") >= 0
print(links)
