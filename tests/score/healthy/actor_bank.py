"""Accounts as actors, generators with mailboxes on a round-robin; sagas start, move money and end."""
import collections
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class System:
    def __init__(self):
        self.actors, self.mail, self.ready, self.numbers = {}, {}, collections.deque(), 0

    def spawn(self, behaviour, *arguments):
        self.numbers += 1
        actor = behaviour(self, self.numbers, *arguments)
        self.actors[self.numbers], self.mail[self.numbers] = actor, collections.deque()
        next(actor)
        return self.numbers

    def send(self, to, message):
        if to in self.mail:
            self.mail[to].append(message)
            self.ready.append(to)

    def step(self):
        to = self.ready.popleft()
        if to not in self.mail or not self.mail[to]:
            return
        try:
            self.actors[to].send(self.mail[to].popleft())
        except StopIteration:
            del self.actors[to], self.mail[to]


def account(system, me, balance):
    lately = collections.deque(maxlen=30)
    while True:
        kind, amount, sender = yield
        if kind == "take" and amount > balance:
            system.send(sender, ("refused", amount, me))
            continue
        balance += amount if kind == "give" else -amount
        lately.append((kind, amount, sender))
        system.send(sender, ("done", amount, me))


def transfer(system, me, source, target, amount, ledger):
    notes = [f"transfer {me}: {amount} from {source} to {target} " * 20]
    system.send(source, ("take", amount, me))
    kind, *_ = yield
    notes.append(kind)
    if kind == "done":
        system.send(target, ("give", amount, me))
        kind, *_ = yield
        notes.append(kind)
    ledger[kind] += 1


rng = random.Random(18)
system, ledger = System(), collections.Counter()
accounts = [system.spawn(account, 1000) for _ in range(400)]
started, wanted = 0, int(140_000 * SIZE)
while started < wanted or system.ready:
    while started < wanted and len(system.actors) < 900:
        source, target = rng.sample(accounts, 2)
        system.spawn(transfer, source, target, rng.randint(1, 400), ledger)
        started += 1
    system.step()
print(sum(ledger.values()) == wanted, len(system.actors))
