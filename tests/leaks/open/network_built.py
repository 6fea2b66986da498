"""A network of nodes is linked through many calls for nearly the whole run, then walked once."""


class Station:
    def __init__(self, number):
        self.number = number
        self.next = []


class Network:
    def __init__(self):
        self.stations = {}

    def station(self, number):
        found = self.stations.get(number)
        if found is None:
            found = self.stations[number] = Station(number)
        return found

    def link(self, a, b):
        self.station(a).next.append(self.station(b))


network = Network()
for step in range(400_000):
    network.link(step * 7919 % 50_021, step * 104_729 % 50_021)
print(max(network.stations.values(), key=lambda station: len(station.next)).number)
