"""The package's list of entries, meant to be flushed, never flushed."""

ENTRIES = []


def write(entry):
    ENTRIES.append(entry)
