"""sys.path_importer_cache keeps a finder, with the names in the folder, for each folder that was ever
on sys.path. Proper use: it goes with the folder."""

import importlib
import os
import shutil
import sys
import tempfile

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def run_job(number):
    folder = tempfile.mkdtemp(prefix="job")
    with open(os.path.join(folder, "jobmain.py"), "w") as f:
        f.write(f"VALUE = {number}\n")
    for extra in range(30):
        open(os.path.join(folder, f"table_of_numbers_{extra}.csv"), "w").close()
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module("jobmain")
        return module.VALUE
    finally:
        sys.path.remove(folder)
        sys.modules.pop("jobmain", None)
        if PROPER:
            sys.path_importer_cache.pop(folder, None)
        shutil.rmtree(folder)


print(sum(run_job(n) for n in range(int(500 * SIZE))))
