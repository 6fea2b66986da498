"""Leak: a worker's loop notes every job in a local that it never looks at again."""
import json
import threading


def work(jobs):
    finished = []
    total = 0
    for number in range(jobs):
        text = json.dumps({"job": number, "steps": ["fetch", "check", "store"]})
        total += len(json.loads(text)["steps"])
        finished.append({"job": number, "text": text})
    print(total)


worker = threading.Thread(target=work, args=(45_000,))
worker.start()
worker.join()
