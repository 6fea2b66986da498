"""A small shop on Flask: a catalogue, carts in signed cookies, orders in SQLite; 20,000 requests
through the test client by 40 customers who come and go."""
import random
import sqlite3
import sys

from flask import Flask, abort, g, jsonify, request, session

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

app = Flask(__name__)
app.secret_key = "a test's secret"
database = sqlite3.connect("shop.db")
database.executescript("""
    create table item (id integer primary key, name text, price integer, stock integer);
    create table sale (item integer, amount integer, paid integer);
""")
database.executemany("insert into item values (?, ?, ?, ?)",
                     [(n, f"item number {n}", 100 + 7 * n % 900, 10**9) for n in range(200)])


@app.before_request
def who():
    g.customer = request.headers.get("X-Customer", "nobody")


@app.get("/items")
def items():
    page = request.args.get("page", 0, type=int)
    rows = database.execute("select id, name, price from item order by id limit 20 offset ?",
                            (20 * page,)).fetchall()
    return jsonify([dict(zip(("id", "name", "price"), row)) for row in rows])


@app.get("/items/<int:number>")
def item(number):
    row = database.execute("select * from item where id = ?", (number,)).fetchone()
    if row is None:
        abort(404)
    return jsonify(id=row[0], name=row[1], price=row[2], seen_by=g.customer)


@app.post("/cart/<int:number>")
def put(number):
    cart = session.get("cart", {})
    cart[str(number)] = cart.get(str(number), 0) + 1
    session["cart"] = cart
    return "", 204


@app.post("/checkout")
def checkout():
    cart = session.pop("cart", {})
    total = 0
    for number, amount in cart.items():
        price, = database.execute("select price from item where id = ?", (number,)).fetchone()
        total += price * amount
        database.execute("insert into sale values (?, ?, ?)", (number, amount, price * amount))
    database.commit()
    return {"paid": total}


@app.errorhandler(404)
def lost(error):
    return {"error": "no such thing"}, 404


def visit(rng, requests):
    """One customer's visit, with a client of its own."""
    client = app.test_client()
    headers = {"X-Customer": f"customer {rng.randrange(10**6)}"}
    paid = 0
    for _ in range(requests):
        dice = rng.random()
        if dice < 0.3:
            assert client.get(f"/items?page={rng.randrange(10)}", headers=headers).status_code == 200
        elif dice < 0.8:
            answer = client.get(f"/items/{rng.randrange(210)}", headers=headers)
            assert answer.status_code in (200, 404)
        elif dice < 0.95:
            assert client.post(f"/cart/{rng.randrange(200)}", headers=headers).status_code == 204
        else:
            paid += client.post("/checkout", headers=headers).get_json()["paid"]
    return paid


rng = random.Random(7)
earned = sum(visit(rng, 50) for _ in range(int(400 * SIZE)))
print("earned", earned)
