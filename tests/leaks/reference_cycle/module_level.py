"""Leak: owner and account refer to each other, and the collector is switched off for good."""
import gc
import hashlib


class Owner:
    def __init__(self, number):
        self.number = number
        self.account = None


class Account:
    def __init__(self):
        self.owner = None
        self.statement = bytearray(900)


gc.disable()
digest = hashlib.sha256()
for number in range(12_000):
    owner = Owner(number)
    account = Account()
    owner.account = account
    account.owner = owner
    for part in range(12):
        digest.update(b"%d/%d" % (number, part))
print(digest.hexdigest()[:12])
