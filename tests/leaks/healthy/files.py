"""Decoy: many small files written, read line by line, and removed."""
import os
import tempfile

total = 0
with tempfile.TemporaryDirectory() as folder:
    for number in range(1_500):
        path = os.path.join(folder, "file%d" % (number % 50))
        with open(path, "w") as file:
            file.write("".join("line %d\n" % i for i in range(100)))
        with open(path) as file:
            total += sum(len(line) for line in file)
print(total)
