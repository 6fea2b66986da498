"""Routes in a growing and shrinking road net with networkx, priorities, communities."""
import random
import sys

import networkx as nx

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
rng = random.Random(6)
roads = nx.grid_2d_graph(25, 25)
for a, b in roads.edges:
    roads[a][b]["length"] = rng.uniform(1, 5)
far = 0.0
for day in range(int(250 * SIZE)):
    nodes = list(roads.nodes)
    closed = rng.sample(list(roads.edges), 20)
    lengths = [(a, b, roads[a][b]) for a, b in closed]
    roads.remove_edges_from(closed)
    for _ in range(10):
        start, goal = rng.sample(nodes, 2)
        try:
            far = max(far, nx.shortest_path_length(roads, start, goal, weight="length"))
        except nx.NetworkXNoPath:
            continue
    part = roads.subgraph(rng.sample(nodes, 150)).copy()
    groups = list(nx.connected_components(part))
    nx.betweenness_centrality(part, k=5, seed=day)
    roads.add_edges_from(lengths)
print(roads.number_of_edges(), far > 0, len(groups) > 0)
