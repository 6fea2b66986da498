import contextvars

_breadcrumbs = contextvars.ContextVar("breadcrumbs", default=())


def leave(crumb):
    _breadcrumbs.set((crumb, _breadcrumbs.get()))
