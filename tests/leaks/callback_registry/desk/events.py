_listeners = set()


def subscribe(listener):
    _listeners.add(listener)


def publish(event, at_most=3):
    for listener, _ in zip(_listeners, range(at_most)):
        listener(event)
