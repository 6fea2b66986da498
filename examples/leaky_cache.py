"""A small service with a leak: every rendered page is remembered, none is ever forgotten.

Run it with heaplens:  heaplens run examples/leaky_cache.py
"""

import hashlib
import time


class Page:
    def __init__(self, path: str) -> None:
        self.path = path
        self.etag = hashlib.sha256(path.encode()).hexdigest()
        self.body = bytearray(20_000)


pages: dict[str, Page] = {}


def render(path: str) -> Page:
    page = pages.get(path)
    if page is None:
        page = pages[path] = Page(path)
    return page


def handle(request_id: int) -> int:
    time.sleep(0.0003)  # the work of a real request
    # The query string makes every path a new one, so the cache never answers.
    return len(render(f"/report?session={request_id}").body)


def main() -> None:
    started = time.monotonic()
    served = sum(handle(request_id) for request_id in range(4_000))
    seconds = time.monotonic() - started
    print(f"served {served:,} bytes in {seconds:.1f} s, kept {len(pages):,} pages")


if __name__ == "__main__":
    main()
