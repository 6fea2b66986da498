"""Users by id, fetched once each."""

_users = {}


def _fetch(number):
    return {"number": number, "name": "user %d" % number, "roles": ["a", "b", str(number)]}


def user(number):
    if number in _users:
        return _users[number]
    _users[number] = _fetch(number)
    return _users[number]
