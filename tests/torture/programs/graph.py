"""Graph algorithms with networkx: paths, flows, spanning trees, communities, isomorphism."""
import random
import sys

import networkx as nx

ROUNDS = int(sys.argv[1])

for turn in range(ROUNDS):
    chance = random.Random(turn)
    graph = nx.gnm_random_graph(40, 110, seed=turn)
    for a, b in graph.edges:
        graph.edges[a, b].update(weight=chance.randint(1, 20), capacity=chance.randint(1, 9))
    length, path = nx.single_source_dijkstra(graph, 0)
    print(turn, sum(length.values()), max(path.values(), key=len))
    print(nx.maximum_flow_value(graph, 0, 39), nx.minimum_spanning_tree(graph).size("weight"))
    ranked = sorted(nx.betweenness_centrality(graph).items(), key=lambda item: (-item[1], item[0]))
    print([(node, round(value, 6)) for node, value in ranked[:5]])
    groups = nx.community.greedy_modularity_communities(graph)
    print([sorted(group) for group in groups][:3])
    shuffled = list(graph)
    chance.shuffle(shuffled)
    print(nx.is_isomorphic(graph, nx.relabel_nodes(graph, dict(zip(graph, shuffled)))))
    print(sum(1 for _ in nx.find_cliques(graph)), len(list(nx.bridges(graph))))
    order = nx.DiGraph((a, b) for a, b in graph.edges if a < b)
    print(list(nx.lexicographical_topological_sort(order))[:12], nx.dag_longest_path_length(order))
