"""A note server on http.server, and four clients that keep at most 50 notes on it each."""
import http.client
import json
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Notes:
    def __init__(self):
        self.lock = threading.Lock()
        self.by_owner = {}

    def put(self, owner, title, text):
        with self.lock:
            notes = self.by_owner.setdefault(owner, {})
            notes[title] = text
            while len(notes) > 50:
                notes.pop(next(iter(notes)))

    def get(self, owner, title):
        with self.lock:
            return self.by_owner.get(owner, {}).get(title)

    def delete(self, owner, title):
        with self.lock:
            return self.by_owner.get(owner, {}).pop(title, None) is not None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    notes = Notes()

    def log_message(self, *args):
        pass

    def answer(self, status, body=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def key(self):
        _, owner, title = self.path.split("/", 2)
        return owner, title

    def do_GET(self):
        text = self.notes.get(*self.key())
        self.answer(404 if text is None else 200, {"text": text})

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.notes.put(*self.key(), body["text"])
        self.answer(201)

    def do_DELETE(self):
        self.answer(200 if self.notes.delete(*self.key()) else 404)


def client(port, owner, rounds, counts):
    rng = random.Random(owner)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for n in range(rounds):
        if n % 500 == 499:  # a new connection now and then
            connection.close()
        title = f"note-{rng.randrange(80)}"
        method = rng.choice(("GET", "GET", "PUT", "DELETE"))
        body = json.dumps({"text": "lorem ipsum " * rng.randrange(100)}) if method == "PUT" else None
        connection.request(method, f"/{owner}/{title}", body)
        answer = connection.getresponse()
        json.loads(answer.read())
        counts[answer.status // 100] = counts.get(answer.status // 100, 0) + 1
    connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    results = [{} for _ in range(4)]
    clients = [threading.Thread(target=client, args=(server.server_port, f"owner{n}",
                                                     int(4000 * SIZE), results[n]))
               for n in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    server.shutdown()
    server.server_close()
    print("answered", sum(sum(result.values()) for result in results))


if __name__ == "__main__":
    main()
