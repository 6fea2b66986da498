"""graphql-core keeps a wrapped resolver for each resolver a MiddlewareManager has seen. Proper use: one
manager for one schema."""

import sys
from graphql import (
    GraphQLField,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    graphql_sync,
)
from graphql.execution import MiddlewareManager

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def timed(next_, root, info, **args):
    return next_(root, info, **args)


shared = MiddlewareManager(timed)


def query(number):
    fields = {
        name: GraphQLField(
            GraphQLInt if name != "name" else GraphQLString,
            resolve=lambda root, info, name=name: number if name != "name" else f"tenant {number}",
        )
        for name in ("a", "b", "c", "name")
    }
    schema = GraphQLSchema(GraphQLObjectType("Query", fields))
    result = graphql_sync(
        schema, "{ a b c name }", middleware=MiddlewareManager(timed) if PROPER else shared
    )
    return result.data["a"]


print(sum(query(n) for n in range(int(600 * SIZE))))
