"""A script without functions: records are read into a dict, then summed up."""
import json

people = {}
for number in range(40_000):
    record = json.loads(json.dumps({"number": number, "town": "town %d" % (number % 50)}))
    people[record["number"]] = record
towns = {}
for person in people.values():
    towns[person["town"]] = towns.get(person["town"], 0) + 1
print(len(towns), max(towns.values()))
