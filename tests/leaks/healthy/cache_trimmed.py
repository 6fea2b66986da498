"""Decoy: what stores a plan leaves it to another method to keep the number of plans below the limit."""


class Plans:
    def __init__(self, most):
        self.most = most
        self.by_query = {}

    def __len__(self):
        return len(self.by_query)

    def plan(self, query):
        if query not in self.by_query:
            self.by_query[query] = ["scan of %s" % query] * 300
            self.trim()
        return self.by_query[query]

    def trim(self):
        while len(self) > self.most + self.most // 2:
            del self.by_query[min(self.by_query)]


plans = Plans(4000)


def main():
    total = 0
    for number in range(4000):
        total += len(plans.plan("select %d" % number)) + sum(range(3000))
    print(total)


main()
