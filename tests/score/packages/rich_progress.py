"""One rich Progress for a service; each upload adds a task and none is removed.
Proper use: remove_task."""
import io
import sys

from rich.console import Console
from rich.progress import Progress

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Uploads:
    def __init__(self):
        self.progress = Progress(console=Console(file=io.StringIO()), auto_refresh=False)

    def upload(self, number):
        task = self.progress.add_task(f"upload {number}", total=20, start=True)
        for _ in range(20):
            self.progress.advance(task)
        if PROPER:
            self.progress.remove_task(task)
        return number % 2


uploads = Uploads()
print(sum(uploads.upload(n) for n in range(int(6000 * SIZE))))
