"""watchdog: each session schedules a handler of its own for the folder that all watch, and none is
taken off. Proper use: remove_handler_for_watch()."""
import sys
import tempfile

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Reload(FileSystemEventHandler):
    def __init__(self, number):
        self.settings = {f"setting {n}": f"{number} {n}" for n in range(20)}

    def on_modified(self, event):
        self.settings["last"] = event.src_path


def session(observer, folder, number):
    handler = Reload(number)
    watch = observer.schedule(handler, folder)
    words = len(" ".join(handler.settings.values()).split())
    if PROPER:
        observer.remove_handler_for_watch(handler, watch)
    return words


observer = Observer()
observer.start()
with tempfile.TemporaryDirectory() as folder:
    print(sum(session(observer, folder, n) for n in range(int(15_000 * SIZE))))
