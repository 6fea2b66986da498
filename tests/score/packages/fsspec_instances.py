"""fsspec keeps each file system it ever made, by its arguments: here one a user. Proper use:
skip_instance_cache."""
import sys

import fsspec

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def has_home(user):
    files = fsspec.filesystem("file", user=user, skip_instance_cache=PROPER)
    return files.exists("/") and not files.exists(f"/no/such/{user}")


print(sum(has_home(f"user {n}") for n in range(int(10_000 * SIZE))))
