"""rdflib's store in memory takes a triple out, and keeps an empty entry for its subject and object.
Proper use: subjects and objects that come back."""
import sys

from rdflib import Graph, Literal, URIRef

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
graph = Graph()
SEEN = URIRef("urn:seen")


def visit(number):
    who = number % 50 if PROPER else number
    triple = URIRef(f"urn:visitor:{who}"), SEEN, Literal(who)
    graph.add(triple)
    there = len(graph)
    graph.remove(triple)
    return there


print(sum(visit(n) for n in range(int(6000 * SIZE))))
