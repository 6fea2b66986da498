"""Runs generated scripts and formats their tracebacks: linecache keeps the text of each.
Proper use: linecache.clearcache() now and then."""
import linecache
import os
import sys
import traceback

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def run(number):
    path = os.path.abspath(f"job{number}.py")
    with open(path, "w") as file:
        file.write(f"# job {number}\n" * 60 + "def main():\n    return 1 / 0\nmain()\n")
    try:
        with open(path) as file:
            exec(compile(file.read(), path, "exec"), {})
    except ZeroDivisionError:
        text = traceback.format_exc()
    os.remove(path)
    if PROPER and number % 50 == 0:
        linecache.clearcache()
    return len(text)


print(sum(run(n) > 0 for n in range(int(2000 * SIZE))))
