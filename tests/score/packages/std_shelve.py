"""A shelf with writeback: each entry that was read stays in its cache until sync().
Proper use: sync() after each batch."""
import shelve
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def account(shelf, number):
    key = str(number)
    if key not in shelf:
        shelf[key] = {"moves": []}
    del shelf[key]["moves"][3:]
    shelf[key]["moves"].append("payment " * 30 + key)


shelf = shelve.open("accounts", flag="n", writeback=True)
for number in range(int(9000 * SIZE)):
    account(shelf, number % 1000 if PROPER else number)
    if PROPER and number % 200 == 199:
        shelf.sync()
print("booked")
