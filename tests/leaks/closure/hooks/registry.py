"""Where hooks are kept."""

HOOKS = {}


def subscribe(name, hook):
    HOOKS.setdefault(name, []).append(hook)
