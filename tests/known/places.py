"""Where each row of src/diagnose/known.def is found in the real library, and how to fill it.

A place's code defines `fill(n)`, which brings one fresh thing (n is a number not seen before), and
`place()`, the container that the row speaks of; `size()` where its length is not `len(place())`.
"""

from __future__ import annotations

from dataclasses import dataclass

MANY = 2000


@dataclass(frozen=True)
class Place:
    row: str
    code: str
    needs: str = ""  # a module that is not in the standard library
    many: int = MANY  # things for each of two rounds; more than a bound
    since: tuple[int, int] = (3, 9)
    until: tuple[int, int] = (3, 99)  # the last release that has it


PLACES = [
    Place("logging-loggers", """
import logging
def fill(n): logging.getLogger("request.%d" % n)
def place(): return logging.Logger.manager.loggerDict
"""),
    Place("logging-handlers", """
import logging
log = logging.getLogger("app")
def fill(n): log.addHandler(logging.NullHandler())
def place(): return log.handlers
"""),
    Place("logging-handlers", """
import logging
def fill(n): logging.getLogger().addHandler(logging.NullHandler())
def place(): return logging.getLogger().handlers
"""),
    Place("logging-handler-list", """
import logging
kept = []
def fill(n): kept.append(logging.NullHandler())
def place(): return logging._handlerList
"""),
    Place("logging-buffer", """
import logging.handlers
log = logging.getLogger("app")
log.propagate = False
handler = logging.handlers.MemoryHandler(10**6, flushLevel=logging.CRITICAL)
log.addHandler(handler)
def fill(n): log.error("%d", n)
def place(): return handler.buffer
"""),
    Place("warnings-seen", """
import sys, warnings
sys.stderr = open("/dev/null", "w")
warnings.simplefilter("default")
def fill(n): warnings.warn("thing %d" % n)
def place(): return __warningregistry__
"""),
    Place("warnings-filters", """
import warnings
def fill(n): warnings.filterwarnings("ignore", message="thing %d" % n)
def place(): return warnings.filters
"""),
    Place("re-cache", """
import re
def fill(n): re.compile("x%d(a|b)" % n)
def place(): return re._cache
"""),
    Place("fnmatch-cache", """
import fnmatch
def fill(n): fnmatch.fnmatch("x", "a%d" % n)
def place(): return fnmatch._compile_pattern
def size(): return place().cache_info().currsize
""", many=33_000),
    Place("strptime-cache", """
import _strptime, time
def fill(n): time.strptime("2020 %d" % n, "%Y " + str(n))
def place(): return _strptime._regex_cache
""", many=300),
    Place("urllib-parse-cache", """
import urllib.parse
def fill(n): urllib.parse.urlsplit("http://a/%d" % n)
def place(): return urllib.parse._parse_cache
""", until=(3, 10)),
    Place("urllib-parse-cache", """
import urllib.parse
def fill(n): urllib.parse.urlsplit("http://a/%d" % n)
def place(): return urllib.parse.urlsplit
def size(): return place().cache_info().currsize
""", since=(3, 11)),
    Place("encodings-cache", """
import encodings
def fill(n):
    try:
        "".encode("nothing%d" % n)
    except LookupError:
        pass
def place(): return encodings._cache
"""),
    Place("linecache", """
import linecache
class Loader:
    def get_source(self, name): return "x = 1\\n"
loader = Loader()
def fill(n):
    linecache.lazycache("made/%d.py" % n, {"__name__": "made", "__loader__": loader})
    linecache.getlines("made/%d.py" % n)
def place(): return linecache.cache
"""),
    Place("email-charsets", """
import email.charset
def fill(n): email.charset.add_alias("x-%d" % n, "utf-8")
def place(): return email.charset.ALIASES
"""),
    Place("mimetypes", """
import mimetypes
def fill(n): mimetypes.add_type("a/b%d" % n, ".b%d" % n)
def place(): return mimetypes._db.types_map[True]
"""),
    Place("csv-dialects", """
import _csv, csv
def fill(n): csv.register_dialect("d%d" % n, delimiter=";")
def place(): return _csv._dialects
"""),
    Place("etree-namespaces", """
import xml.etree.ElementTree as tree
def fill(n): tree.register_namespace("x%d" % n, "uri:%d" % n)
def place(): return tree._namespace_map
"""),
    Place("sys-modules", """
import sys, types
def fill(n): sys.modules["made%d" % n] = types.ModuleType("made%d" % n)
def place(): return sys.modules
"""),
    Place("sys-path", """
import sys
def fill(n): sys.path.append("/nowhere/%d" % n)
def place(): return sys.path
"""),
    Place("sys-importers", """
import os, pkgutil, sys
def fill(n):
    os.mkdir("folder%d" % n)
    pkgutil.get_importer("folder%d" % n)
def place(): return sys.path_importer_cache
""", many=200),
    Place("zip-directories", """
import zipfile, zipimport
def fill(n):
    with zipfile.ZipFile("archive%d.zip" % n, "w") as archive:
        archive.writestr("inside.py", "")
    zipimport.zipimporter("archive%d.zip" % n)
def place(): return zipimport._zip_directory_cache
""", many=200),
    Place("at-fork", """
import gc, os
given = []
def fill(n):
    given.append(lambda: n)
    os.register_at_fork(after_in_child=given[-1])
def place(): return next(o for o in gc.get_objects() if type(o) is list and o is not given
                         and len(o) > 1 and o[-1] is given[-1])
"""),
    Place("codec-searchers", """
import codecs, gc
given = []
def fill(n):
    given.append(lambda name: None)
    codecs.register(given[-1])
def place(): return next(o for o in gc.get_objects() if type(o) is list and o is not given
                         and len(o) > 1 and o[-1] is given[-1])
"""),
    Place("codec-errors", """
import codecs, gc
def fill(n): codecs.register_error("handler.%d" % n, codecs.strict_errors)
def place(): return next(o for o in gc.get_objects() if type(o) is dict and "handler.0" in o)
"""),
    Place("typing-cache", """
import typing
def fill(n): typing.List[type("T", (), {})]
def place():
    import gc
    wrappers = [o for o in gc.get_objects() if type(o).__name__ == "_lru_cache_wrapper"
                and getattr(o, "__module__", "") == "typing"]
    return max(wrappers, key=lambda w: w.cache_info().currsize)
def size(): return place().cache_info().currsize
""", many=300),
    Place("singledispatch", """
import functools, gc
@functools.singledispatch
def show(thing): return 0
def fill(n): show.register(type("T%d" % n, (), {}), str)
def place(): return gc.get_referents(show.registry)[0]
""", many=500),
    Place("singledispatchmethod", """
import functools
class Shower:
    @functools.singledispatchmethod
    def show(self, thing): return 0
showers = []
def fill(n):
    showers.append(Shower())
    showers[-1].show(n)
def place(): return vars(Shower)["show"]._method_cache.data
""", since=(3, 13), until=(3, 13)),
    Place("copyreg", """
import copyreg
def fill(n): copyreg.pickle(type("T%d" % n, (), {}), str)
def place(): return copyreg.dispatch_table
""", many=500),
    Place("ctypes-pointers", """
import ctypes
def fill(n): ctypes.POINTER(ctypes.c_char * (n + 1))
def place(): return ctypes._pointer_type_cache
""", many=500),
    Place("ctypes-functions", """
import ctypes
def fill(n): ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char * (n + 1))
def place(): return ctypes._c_functype_cache
""", many=500),
    Place("enum-flags", """
import enum
class Bits(enum.IntFlag):
    A = 1
def fill(n): Bits(n)
def place(): return Bits._value2member_map_
"""),
    Place("gc-garbage", """
import gc
gc.set_debug(gc.DEBUG_SAVEALL)
def fill(n):
    a = []
    a.append(a)
    del a
    gc.collect(0)
def place(): return gc.garbage
def size():
    gc.collect()
    return len(gc.garbage)
""", many=300),
    Place("os-environ", """
import os
def fill(n): os.environ["MADE_%d" % n] = "x"
def place(): return os.environ._data
"""),
    Place("sqlite-adapters", """
import sqlite3
def fill(n): sqlite3.register_adapter(type("T%d" % n, (), {}), str)
def place(): return sqlite3.adapters
""", many=500),
    Place("weakref-finalizers", """
import weakref
class Thing: pass
things = []
def fill(n):
    things.append(Thing())
    weakref.finalize(things[-1], print)
def place(): return weakref.finalize._registry
"""),
    Place("threading-active", """
import threading
stop = threading.Event()
def fill(n): threading.Thread(target=stop.wait, daemon=True).start()
def place(): return threading._active
""", many=20),
    Place("executor-queue", """
from concurrent.futures import ThreadPoolExecutor
import gc, threading, atexit
stop = threading.Event()
pool = ThreadPoolExecutor(1)
pool.submit(stop.wait)
threading._register_atexit(stop.set)
def fill(n): pool.submit(int)
def place(): return pool._work_queue
def size(): return pool._work_queue.qsize()
"""),
    Place("asyncio-tasks", """
import asyncio
loop = asyncio.new_event_loop()
tasks = []
def fill(n): tasks.append(loop.create_task(asyncio.sleep(3600)))
def place():
    known = getattr(asyncio.tasks, "_scheduled_tasks", None)  # since 3.12
    return (asyncio.tasks._all_tasks if known is None else known).data
import atexit
@atexit.register
def quiet():
    for task in tasks: task._log_destroy_pending = False
"""),
    Place("asyncio-timers", """
import asyncio
loop = asyncio.new_event_loop()
def fill(n): loop.call_later(3600, print)
def place(): return loop._scheduled
"""),
    Place("queue", """
import queue
waiting = queue.Queue()
def fill(n): waiting.put(n)
def place(): return waiting.queue
"""),
    Place("queue", """
import asyncio
async def make(): return asyncio.Queue()
waiting = asyncio.run(make())
def fill(n): waiting.put_nowait(n)
def place(): return waiting._queue
"""),
    Place("sched", """
import sched
events = sched.scheduler()
def fill(n): events.enter(3600, 1, print)
def place(): return events._queue
"""),
    Place("multiprocessing-finalizers", """
import multiprocessing.util as util
class Thing: pass
things = []
def fill(n):
    things.append(Thing())
    util.Finalize(things[-1], int)
def place(): return util._finalizer_registry
"""),
    Place("multiprocessing-children", """
import multiprocessing, time
context = multiprocessing.get_context("fork")
def fill(n): context.Process(target=time.sleep, args=(5,), daemon=True).start()
def place(): return multiprocessing.process._children
""", many=3),
    Place("subprocess-active", """
import subprocess, sys, warnings
warnings.simplefilter("ignore")
def fill(n):
    child = subprocess.Popen(["sleep", "5"])
    del child
def place(): return subprocess._active
""", many=3),
    Place("mock-calls", """
from unittest.mock import Mock
mock = Mock()
def fill(n): mock(n)
def place(): return mock.call_args_list
"""),
    Place("mock-calls", """
from unittest.mock import Mock
mock = Mock()
def fill(n): mock.save(n)
def place(): return mock.mock_calls
"""),
    Place("mock-patches", """
from unittest import mock
class Gateway: pass
def fill(n): mock.patch.object(Gateway, "charge", n, create=True).start()
def place(): return mock._patch._active_patches
"""),
    Place("shelve-cache", """
import atexit, shelve, tempfile
folder = tempfile.TemporaryDirectory()
shelf = shelve.open(folder.name + "/shelf", writeback=True)
def fill(n): shelf[str(n)] = n
def place(): return shelf.cache
"""),
    Place("cookie-jar", """
from http.cookiejar import Cookie, CookieJar
jar = CookieJar()
def fill(n):
    jar.set_cookie(Cookie(0, "n", "v", None, False, "d%d.example" % n, True, False, "/", True,
                          False, None, False, None, None, {}))
def place(): return jar._cookies
"""),
    Place("exit-stack", """
import contextlib
stack = contextlib.ExitStack()
def fill(n): stack.callback(int)
def place(): return stack._exit_callbacks
"""),
    Place("unittest-cleanups", """
import unittest
suite = unittest.TestSuite()
def fill(n): suite.addTest(unittest.FunctionTestCase(int))
def place(): return suite._tests
"""),
    Place("argparse-options", """
import argparse
parser = argparse.ArgumentParser()
def fill(n): parser.add_argument("--x%d" % n)
def place(): return parser._option_string_actions
""", many=300),
    Place("tracemalloc-snapshot", """
import tracemalloc
tracemalloc.start()
kept, snapshot = [], None
def fill(n): kept.append(bytearray(100))
def place(): return snapshot.traces._traces
def size():
    global snapshot
    snapshot = tracemalloc.take_snapshot()
    return len(place())
"""),
    # ---- web ----
    Place("django-queries", """
from django.conf import settings
settings.configure(DEBUG=True, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3",
                                                      "NAME": ":memory:"}})
from django.db import connection
connection.queries_log
def fill(n): connection.queries_log.append({"sql": str(n)})
def place(): return connection.queries_log
""", "django", many=10_000),
    Place("django-signals", """
from django.dispatch import Signal
signal = Signal()
kept = []
def fill(n):
    def receiver(**kwargs): pass
    kept.append(receiver)
    signal.connect(receiver)
def place(): return signal.receivers
""", "django"),
    Place("django-models", """
from django.conf import settings
settings.configure()
import django
django.setup()
from django.apps import apps
from django.db import models
def fill(n):
    type("Made%d" % n, (models.Model,), {"__module__": "m",
         "Meta": type("Meta", (), {"app_label": "made"})})
def place(): return apps.all_models["made"]
""", "django", many=100),
    Place("django-locmem", """
from django.conf import settings
settings.configure()
from django.core.cache.backends import locmem
cache = locmem.LocMemCache("here", {})
def fill(n): cache.set(str(n), n)
def place(): return cache._cache
""", "django"),
    Place("requests-adapters", """
import requests
session = requests.Session()
def fill(n): session.mount("http://h%d" % n, session.adapters["http://"])
def place(): return session.adapters
""", "requests", many=300),
    Place("cookie-jar", """
import requests
session = requests.Session()
def fill(n): session.cookies.set("n", "v", domain="d%d.example" % n)
def place(): return session.cookies._cookies
""", "requests"),
    Place("urllib3-pools", """
import urllib3
manager = urllib3.PoolManager()
def fill(n): manager.connection_from_host("h%d.example" % n)
def place(): return manager.pools._container
""", "urllib3", many=100),
    Place("jinja2-lexers", """
import jinja2.environment, jinja2.lexer
def fill(n):
    jinja2.lexer.get_lexer(jinja2.Environment(variable_start_string="%d{{" % n))
def place(): return jinja2.lexer._lexer_cache._mapping
""", "jinja2", many=200),
    Place("jinja2-cache", """
import jinja2
environment = jinja2.Environment(loader=jinja2.FunctionLoader(lambda name: name))
def fill(n): environment.get_template("t%d" % n)
def place(): return environment.cache._mapping
""", "jinja2", many=500),
    Place("sentry-processors", """
import sentry_sdk
scope = sentry_sdk.get_isolation_scope()
def fill(n): scope.add_event_processor(lambda event, hint: event)
def place(): return scope._event_processors
""", "sentry_sdk"),
    Place("sentry-global-processors", """
from sentry_sdk import scope
def fill(n): scope.add_global_event_processor(lambda event, hint: event)
def place(): return scope.global_event_processors
""", "sentry_sdk"),
    Place("sentry-global-processors", """
import sentry_sdk
scope = sentry_sdk.get_isolation_scope()
def fill(n): scope.add_error_processor(lambda event, info: event)
def place(): return scope._error_processors
""", "sentry_sdk"),
    Place("sentry-breadcrumbs", """
import sentry_sdk
sentry_sdk.init()
scope = sentry_sdk.get_isolation_scope()
def fill(n): scope.add_breadcrumb(message=str(n))
def place(): return scope._breadcrumbs
""", "sentry_sdk"),
    Place("botocore-handlers", """
import botocore.session
session = botocore.session.Session()
emitter = session.get_component("event_emitter")
def fill(n): session.register("made.%d" % n, lambda **kwargs: None)
def place(): return emitter._emitter._handlers._root["children"]["made"]["children"]
""", "botocore"),
    Place("structlog-locks", """
import io, structlog
def fill(n): structlog.PrintLogger(io.StringIO())
def place(): return structlog._output.WRITE_LOCKS
""", "structlog"),
    Place("prometheus-labels", """
import prometheus_client
calls = prometheus_client.Counter("calls", "calls", ["user"])
def fill(n): calls.labels(str(n)).inc()
def place(): return calls._metrics
""", "prometheus_client"),
    Place("prometheus-registry", """
import prometheus_client
registry = prometheus_client.CollectorRegistry()
def fill(n): prometheus_client.Counter("calls%d" % n, "calls", registry=registry)
def place(): return registry._names_to_collectors
""", "prometheus_client", many=300),
    Place("celery-tasks", """
import celery
app = celery.Celery()
app.finalize()
def work(): pass
def fill(n): app.task(name="t%d" % n)(work)
def place(): return app.tasks
""", "celery", many=100),
    Place("celery-worker", """
import celery.worker.state as state
def fill(n): state.total_count["task%d" % n] += 1
def place(): return state.total_count
""", "celery"),
    Place("celery-results", """
import celery
from celery.backends.asynchronous import AsyncBackendMixin
app = celery.Celery(backend="rpc://", broker="memory://")
backend = app.backend
class Result:
    def __init__(self, n): self.id, self.ready = str(n), lambda: False
kept = []
def fill(n):
    kept.append(Result(n))
    backend._add_pending_result(kept[-1].id, kept[-1], weak=False)
def place(): return backend._pending_results.concrete
""", "celery"),
    Place("blinker-receivers", """
import blinker
signal = blinker.signal("made")
kept = []
def fill(n):
    def receiver(sender): pass
    kept.append(receiver)
    signal.connect(receiver)
def place(): return signal.receivers
""", "blinker"),
    Place("pydantic-validators", """
import pydantic.v1.class_validators as validators
from pydantic.v1 import validator
def fill(n):
    def check(cls, value): return value
    check.__qualname__ = "check%d" % n
    validator("x")(check)
def place(): return validators._FUNCS
""", "pydantic"),
    Place("marshmallow-classes", """
import marshmallow
def fill(n): type("Made%d" % n, (marshmallow.Schema,), {})
def place(): return marshmallow.class_registry._registry
""", "marshmallow", many=100),
    # ---- data ----
    Place("sqlalchemy-identity", """
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base
Base = declarative_base()
class Row(Base):
    __tablename__ = "row"
    id = sa.Column(sa.Integer, primary_key=True)
engine = sa.create_engine("sqlite://")
Base.metadata.create_all(engine)
session = Session(engine)
kept = []
def fill(n):
    kept.append(Row(id=n))
    session.add(kept[-1])
def place(): return session.identity_map._dict
def size():
    session.flush()
    return len(place())
""", "sqlalchemy", many=300),
    Place("sqlalchemy-session-new", """
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base
Base = declarative_base()
class Row(Base):
    __tablename__ = "row"
    id = sa.Column(sa.Integer, primary_key=True)
session = Session(sa.create_engine("sqlite://"))
def fill(n): session.add(Row(id=n))
def place(): return session._new
""", "sqlalchemy", many=300),
    Place("sqlalchemy-compiled", """
import sqlalchemy as sa
engine = sa.create_engine("sqlite://")
connection = engine.connect()
def fill(n): connection.execute(sa.select(sa.literal(1).label("c%d" % n)))
def place(): return engine._compiled_cache._data
""", "sqlalchemy"),
    Place("sqlalchemy-events", """
import sqlalchemy as sa
from sqlalchemy import event
kept = []
engine = sa.create_engine("sqlite://")
def fill(n):
    def listener(*args): pass
    kept.append(listener)
    event.listen(engine, "connect", listener)
def place(): return event.registry._key_to_collection
""", "sqlalchemy", many=300),
    Place("sqlalchemy-tables", """
import sqlalchemy as sa
metadata = sa.MetaData()
def fill(n): sa.Table("t%d" % n, metadata, sa.Column("x", sa.Integer))
def place(): return metadata.tables
""", "sqlalchemy", many=300),
    Place("matplotlib-figures", """
import matplotlib
matplotlib.use("agg")
import warnings
warnings.simplefilter("ignore")
from matplotlib import pyplot, _pylab_helpers
def fill(n): pyplot.figure()
def place(): return _pylab_helpers.Gcf.figs
""", "matplotlib", many=30),
    Place("numpy-ctypes-pointers", """
import numpy.ctypeslib as lib
def fill(n): lib.ndpointer(shape=(n + 1,))
def place(): return getattr(lib, "_ctypeslib", lib)._pointer_type_cache
""", "numpy", many=300),
    Place("sympy-cache", """
import sympy
from sympy.core.cache import CACHE
x = sympy.Symbol("x")
def fill(n): (x + n).diff(x)
def place():
    return max((w for w in CACHE), key=lambda w: w.cache_info().currsize)
def size(): return place().cache_info().currsize
""", "sympy"),
    Place("pint-cache", """
import pint
units = pint.UnitRegistry()
def fill(n): units.parse_units("meter ** %d" % (n + 1))
def place(): return units._cache.parse_unit
""", "pint"),
    Place("dateutil-zones", """
import dateutil.tz
def fill(n): dateutil.tz.tzoffset(None, n)
def place(): return vars(dateutil.tz.tzoffset)["_TzOffsetFactory__strong_cache"]
""", "dateutil", many=100),
    Place("croniter-expressions", """
import sys
from croniter import croniter
def fill(n): croniter("%d %d * * *" % (n % 60, n // 60 % 24), 0)
def place(): return sys.modules["croniter.croniter"].EXPRESSIONS
""", "croniter", many=500),
    Place("babel-patterns", """
import babel.dates
def fill(n): babel.dates.parse_pattern("yyyy-MM-dd '%d'" % n)
def place(): return babel.dates._pattern_cache
""", "babel"),
    Place("babel-locales", """
import babel.localedata
names = babel.localedata.locale_identifiers()[:50]
def fill(n): babel.localedata.load(names[n % len(names)])
def place(): return babel.localedata._cache
""", "babel", many=60),
    Place("regex-cache", """
import regex
def fill(n): regex.compile("x%d" % n)
def place(): return regex._main._cache if hasattr(regex, "_main") else regex.regex._cache
""", "regex"),
    Place("cachetools", """
import cachetools
cache = cachetools.TTLCache(maxsize=100, ttl=600)
def fill(n): cache[n] = n
def place(): return cache._Cache__data
""", "cachetools"),
]
