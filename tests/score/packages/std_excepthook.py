"""Each job hangs its own report before sys.excepthook and leaves it there. Proper use: it puts back the
hook it found."""
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Report:
    def __init__(self, job):
        self.crumbs = [f"job {job} step {n}" for n in range(20)]
        self.before = sys.excepthook
        sys.excepthook = self.tell

    def tell(self, kind, error, traceback):
        print(self.crumbs[-1])
        self.before(kind, error, traceback)

    def close(self):
        sys.excepthook = self.before


def job(number):
    report = Report(number)
    total = sum(len(crumb) for crumb in report.crumbs)
    if PROPER:
        report.close()
    return total


print(sum(job(n) for n in range(int(30_000 * SIZE))))
