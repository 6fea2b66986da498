"""Worker threads whose thread-local journal of statements is meant for debugging and only grows."""
import queue
import sqlite3
import sys
import threading

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
state = threading.local()


def connection():
    if not hasattr(state, "connection"):
        state.connection = sqlite3.connect(":memory:")
        state.connection.execute("create table t (k integer, v text)")
        state.statements = []
    return state.connection


def execute(sql, *values):
    cursor = connection().execute(sql, values)
    state.statements.append((sql, values, "expanded: " + sql.replace("?", "%r") % values))
    return cursor


def job(n):
    execute("insert into t values (?, ?)", n, f"value {n} " * 8)
    execute("select count(*) from t where k = ? and v > ?", n % 10, "v").fetchone()
    if n % 20 == 0:
        execute("delete from t where k < ? and v != ?", n, "")


def worker(jobs):
    while True:
        n = jobs.get()
        job(n)
        jobs.task_done()


jobs = queue.Queue(maxsize=50)
for _ in range(2):
    threading.Thread(target=worker, args=(jobs,), daemon=True).start()
for n in range(int(25_000 * SIZE)):
    jobs.put(n)
jobs.join()
print("done")
