"""Twin of growing_container: a global list is filled and cleared, batch after batch."""
batch = []


def flush():
    size = sum(len(entry["text"]) for entry in batch)
    batch.clear()
    return size


def add(number):
    batch.append({"number": number, "text": "entry %d " % number * 8})
    return flush() if len(batch) >= 2_500 else 0


print(sum(add(number) for number in range(500_000)) + flush())
