"""Leak: rules are compiled with exec whenever they are used, and stay in a dict of the engine."""


class Engine:
    def __init__(self):
        self.rules = {}

    def add(self, number):
        space = {}
        exec("def rule(order):\n"
             "    total = order['price'] * %d\n"
             "    for row in order['rows']:\n"
             "        total += row['count'] * row['price']\n"
             "    if total > %d:\n"
             "        return 'big'\n"
             "    return 'small'\n" % (number % 9, number), space)
        self.rules["rule %d" % number] = space["rule"]
        return space["rule"]


engine = Engine()
answers = 0
for number in range(5_000):
    rule = engine.add(number)
    answers += rule({"price": 3, "rows": [{"count": 1, "price": 2}] * 20}) == "big"
print(answers)
