"""zipimport keeps the directory of each archive it ever opened. Proper use: it is dropped with the
archive."""

import os
import sys
import tempfile
import zipfile
import zipimport

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
where = tempfile.mkdtemp()


def bundle(number):
    path = os.path.join(where, f"plugin-{number}.zip")
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("plugin.py", f"def answer():\n    return {number}\n")
        for n in range(20):
            z.writestr(f"data/{n}.txt", "x")
    return path


def run_plugin(number):
    path = bundle(number)
    importer = zipimport.zipimporter(path)
    code = importer.get_code("plugin")
    space = {}
    exec(code, space)
    os.unlink(path)
    if PROPER:
        zipimport._zip_directory_cache.pop(path, None)
    return space["answer"]()


print(sum(run_plugin(n) for n in range(int(700 * SIZE))))
os.rmdir(where)
