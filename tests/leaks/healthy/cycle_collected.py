"""Twin of reference_cycle: the same pairs with the collector on, which frees them now and then."""


class Owner:
    def __init__(self, number):
        self.number = number
        self.account = None


class Account:
    def __init__(self):
        self.owner = None
        self.statement = bytearray(900)


for number in range(400_000):
    owner = Owner(number)
    account = Account()
    owner.account = account
    account.owner = owner
print(owner.number)
