"""ldap3 keeps the response of each asynchronous operation until somebody asks for it. Proper use:
get_response()."""

import sys
from ldap3 import Server, Connection, MOCK_ASYNC

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
server = Server("directory")
connection = Connection(server, user="cn=app,o=lab", password="secret", client_strategy=MOCK_ASYNC)
for n in range(20):
    connection.strategy.add_entry(
        f"cn=user{n},o=lab", {"userPassword": "secret", "sn": f"name{n}", "revision": 0}
    )
connection.strategy.add_entry("cn=app,o=lab", {"userPassword": "secret", "sn": "app"})
connection.bind()


def touch(number):
    message = connection.modify(
        f"cn=user{number % 20},o=lab", {"revision": [("MODIFY_REPLACE", [number])]}
    )
    if PROPER:
        connection.get_response(message)
    return message


print(sum(touch(n) for n in range(int(4000 * SIZE))) > 0)
