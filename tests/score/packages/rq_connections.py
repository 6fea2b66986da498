"""rq's stack of connections. Proper use: what is pushed is popped."""

import sys
import warnings
import redis
from rq.connections import push_connection, pop_connection, get_current_connection

warnings.simplefilter("ignore")
SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def schedule(number):
    push_connection(redis.Redis(host="127.0.0.1", db=number % 16))
    try:
        return get_current_connection().connection_pool.connection_kwargs["db"]
    finally:
        if PROPER:
            pop_connection()


print(sum(schedule(n) for n in range(int(3000 * SIZE))))
