"""The larger programs and the real packages: what each needs, and what a right diagnosis says.

healthy/   programs with nothing wrong; expected: no finding
planted/   programs of the same kind with one leak in a realistic place
packages/  a leak of a released package or of the standard library; its twin is the release that
           mended it (`fixed`), or the package used as it is meant (`proper`: the program takes
           that word), or both

Where a leak has a narrower and a wider name, both stand in its row, the better one first; the
matrix counts it under the first. `waits` marks a leak made by C code: listed, run, not counted
until heaplens looks into extensions.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "leaks"))
import key  # noqa: E402  (the path comes first)
from key import CACHE, CLASS, CONTAINER, CYCLE, GLOBAL, INSTANCE, METHOD, NONE  # noqa: E402

CALLBACKS, DYNAMIC, BACKLOG = "callback-registry", "dynamic-code", "backlog"
CLOSURE, DECORATOR, TASKS = "closure", "decorator", "pending-task"
TRACEBACK, THREAD, THREAD_LOCAL = "exception-traceback", "thread", "thread-local"
CONTEXT, REFERENCE, MEMORY = "context-variable", "native-reference", "native-memory"
REGISTRY = "native-registry"

ANY = ("module-global", "class-attribute", "instance-attribute", "mutable-default", "closure-cell",
       "frame-local", "thread-local", "interpreter", "native", "none")

GROUPS = {"leaks": "small programs (tests/leaks)", "healthy": "larger programs",
          "planted": "larger programs, planted leaks", "packages": "real packages"}

WEB = ("Flask==3.0.3", "Werkzeug==3.0.4", "Jinja2==3.1.4", "blinker==1.8.2", "SQLAlchemy==2.0.35")
ARRAYS = ("numpy==1.26.4; python_version < '3.13'", "numpy==2.1.2; python_version == '3.13'",
          "numpy==2.5.5; python_version >= '3.14'")
NUMBERS = (*ARRAYS, "pandas==2.2.2; python_version < '3.13'",
           "pandas==2.2.3; python_version == '3.13'", "pandas==3.1.1; python_version >= '3.14'",
           "matplotlib==3.9.2; python_version < '3.14'",
           "matplotlib==3.11.2; python_version >= '3.14'")
TESTING = ("pytest==8.3.3",)
GRAPHS = ("networkx==3.2.1",)
TOOLS = ("Faker==30.3.0", "prometheus_client==0.21.0", "loguru==0.7.2", "simpy==4.1.1",
         "parso==0.8.4; python_version < '3.14'", "parso==0.8.5; python_version >= '3.14'", "toolz==1.0.0", "memoization==0.4.0", "rich==13.9.2", "Markdown==3.7",
         "pyee==12.0.0", "dogpile.cache==1.3.3", "cffi==1.17.1; python_version < '3.14'",
         "cffi==2.1.1; python_version >= '3.14'", "dateparser==1.2.0",
         "regex==2024.9.11; python_version < '3.14'",
         "regex==2026.11.19; python_version >= '3.14'", "pdfminer.six==20240706", "sympy==1.13.3",
         "Pint==0.24.3; python_version < '3.13'", "flexparser==0.3.1; python_version < '3.13'",
         "Pint==0.24.4; python_version >= '3.13'", "flexparser==0.4; python_version >= '3.13'",
         "Django==4.2.16", "CacheControl==0.14.0", "Mako==1.3.5", "peewee==3.17.6",
         "marshmallow==3.22.0", "aiocache==0.12.3", "opentelemetry-sdk==1.27.0")
SERVICE = ("aiodataloader==0.4.0", "CT3==3.4.0.post5", "opentelemetry-sdk==1.27.0", "schedule==1.2.2",
           "tornado==6.4.1", "bottle==0.12.25; python_version < '3.13'",
           "bottle==0.13.4; python_version >= '3.13'", "Beaker==1.13.0")

LISTENERS = ("gevent==26.9.0", "wrapt==2.5.2", "watchdog==7.1.0", "opentelemetry-api==1.45.2",
             "anyio==4.16.0")
STORES = ("fsspec==2026.9.0", "rdflib==7.6.0", "asteval==1.0.10", "matplotlib==3.11.2",
          "SQLAlchemy==2.0.35")
DESK = ("chevron==0.14.0", "flexmock==0.12.1", "ldap3==2.9.1", "prometheus_client==0.21.0",
        "rq==1.15.0", "redis==5.0.8", "jsonschema==4.17.3", "graphql-core==3.2.3",
        "more-itertools==10.5.0", "zope.component==6.0", "zope.interface==7.0.3", "httpretty==1.1.4",
        "cmd2==2.4.3", "SQLAlchemy==2.0.35", "Werkzeug==2.3.8", "raven==6.10.0",
        "pluginbase==1.0.1", "adaptix==3.0.0b11", "opentelemetry-sdk==1.34.1", "setuptools==79.0.1")


@dataclass(frozen=True)
class Program:
    program: str
    answer: key.Leak | None = None
    needs: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()  # the release without the leak
    fixed_python: str = ""
    proper: bool = False  # the program has a twin of its own
    python: str = ""  # the release of CPython it is about
    waits: str = ""


def healthy(name, *needs):
    return Program(f"healthy/{name}.py", needs=needs)


def planted(name, causes, holder, kinds, *needs, says=""):
    return Program(f"planted/{name}.py", key.leak(name, causes, holder, kinds, 0, says), needs)


def package(name, causes, holder, kinds, *needs, says="", **more):
    return Program(f"packages/{name}.py", key.leak(name, causes, holder, kinds, 0, says), needs,
                   **more)


def native(name, causes, *needs, fixed="", python="", proper=False):
    return Program(f"packages/{name}.py", key.leak(name, causes, "", ANY, 0), needs,
                   (fixed,) if fixed else (), "", proper, python, "memory of C code below Python")


PROGRAMS = [
    healthy("flask_shop", *WEB),
    healthy("http_notes"),
    healthy("asyncio_chat"),
    healthy("sqlite_ledger"),
    healthy("source_metrics"),
    healthy("pool_checksums"),
    healthy("orm_inventory", *WEB),
    healthy("templates_site", *WEB),
    healthy("plots_report", *NUMBERS),
    healthy("numpy_heat", *NUMBERS),
    healthy("pandas_sales", *NUMBERS),
    healthy("regex_pipeline"),
    healthy("xml_json_batch"),
    healthy("pytest_suite", *TESTING),
    healthy("service_pools"),
    healthy("colony_game"),
    healthy("little_compiler"),
    healthy("graph_routes", *GRAPHS),
    healthy("task_queue"),
    healthy("interpreter_caches"),
    healthy("symbolic_math", *TOOLS),
    healthy("lru_before_sqlite"),
    healthy("websocket_rooms"),
    healthy("session_site"),
    healthy("cron_heap"),
    healthy("rotating_logs"),
    healthy("csv_report"),
    healthy("genetic_tour"),
    healthy("game_of_life"),
    healthy("text_index"),
    healthy("frame_group_by"),
    healthy("bounded_pipeline"),
    healthy("plugin_host"),
    healthy("text_editor"),
    healthy("key_value_log"),
    healthy("sliding_metrics"),
    healthy("maze_paths"),
    healthy("lisp_machine"),
    healthy("expiring_resolver"),
    healthy("actor_bank"),

    planted("flask_audit", CONTAINER, "audit records", INSTANCE, *WEB),
    # the session keeps what was changed and not flushed
    planted("orm_touched", CONTAINER, "_modified", INSTANCE, *WEB),
    planted("figures_open", CONTAINER, "Gcf figs", CLASS, *NUMBERS),
    planted("template_environments", CACHE, "mailer environments", INSTANCE, *WEB),
    planted("request_loggers", (CALLBACKS, CONTAINER), "handlers", INSTANCE),
    planted("signal_subscribers", (CALLBACKS, CONTAINER), "changed receivers", INSTANCE, *WEB),
    planted("model_cache", CACHE, "Model _loaded", CLASS),
    # named by the set that keeps them, or by what they all wait for
    planted("watchdog_tasks", (TASKS,), "watchdogs", (INSTANCE, "frame-local", GLOBAL)),
    planted("results_kept", CONTAINER, "batch futures", INSTANCE),
    planted("pricing_method", METHOD, "Pricing discount", CLASS),
    planted("stuck_threads", THREAD, "download", ANY),
    planted("import_errors", TRACEBACK, "importer rejected", INSTANCE),
    planted("request_context", (CONTEXT,), "trail", ANY),
    planted("thread_buffers", THREAD_LOCAL, "state statements", ("thread-local", GLOBAL)),
    planted("row_classes", DYNAMIC, "engine row_types", INSTANCE),
    planted("retry_wrapping", (DECORATOR, CLOSURE), "statistics", GLOBAL),
    planted("battle_callbacks", (CLOSURE, CALLBACKS), "season at_end", INSTANCE),
    planted("syntax_trees", CYCLE, "", NONE, says="Element"),
    planted("event_backlog", BACKLOG, "events", ANY),
    planted("orm_listeners", (CALLBACKS, CONTAINER), "engine", ANY, *WEB),

    # the standard library
    # getLogger looks up and stores: by its structure a memo
    package("std_loggers", (CONTAINER, CACHE), "loggerDict", INSTANCE, proper=True),
    package("std_encodings", (CACHE, CONTAINER), "encodings _cache", GLOBAL, proper=True,
            python="3.11"),  # bounded in later releases of 3.13, and in 3.14
    package("std_warnings", CONTAINER, "__warningregistry__", GLOBAL, proper=True),
    package("std_shelve", (CACHE, CONTAINER), "shelf cache", (INSTANCE, "frame-local"), proper=True),
    package("std_finalize", (CALLBACKS, CONTAINER), "finalize _registry", CLASS, proper=True),
    package("std_mock", CONTAINER, "backend", INSTANCE, proper=True),
    package("std_minidom", CYCLE, "", NONE, says="Document Element Text", proper=True),
    package("std_email_headers", CYCLE, "", NONE, says="_SubjectHeader _UniqueAddressHeader "
            "_UniqueUnstructuredHeader type", proper=True),
    package("std_exitstack", (CALLBACKS, CONTAINER), "resources _exit_callbacks", INSTANCE,
            proper=True),
    package("std_queue_handler", BACKLOG, "handlers queue", ANY, proper=True),
    package("std_executor_backlog", BACKLOG, "uploader pool _work_queue", INSTANCE, proper=True),
    package("std_failed_future", TRACEBACK, "connector future _exception", ANY, proper=True),
    package("std_singledispatch", (DYNAMIC, CONTAINER), "export registry", ANY, proper=True),
    package("std_linecache", (CACHE, CONTAINER), "linecache cache", GLOBAL, proper=True),
    package("std_sys_modules", DYNAMIC, "sys modules", ANY, proper=True),
    package("std_future_callbacks", (CALLBACKS, CONTAINER), "stopping", ANY, proper=True),
    package("std_atexit", (CALLBACKS, REGISTRY), "atexit", ANY, proper=True),
    package("std_json_indent", CYCLE, "", NONE, says="_iterencode function", proper=True,
            python="3.11", fixed_python="3.13"),
    package("std_pointer_types", (DYNAMIC, CACHE, CONTAINER), "_pointer_type_cache", GLOBAL,
            proper=True, python="3.11"),  # gone in 3.14
    package("std_call_later", (BACKLOG, TASKS, CALLBACKS), "_scheduled", ANY, proper=True),
    package("std_singledispatchmethod", (CACHE, CONTAINER, CLOSURE), "Visitor visit", ANY,
            python="3.13", fixed_python="3.12"),
    package("std_filters", (CALLBACKS, CONTAINER), "log filters", INSTANCE, proper=True),
    package("std_excepthook", (CALLBACKS, CONTAINER, CLOSURE, DECORATOR), "excepthook", ANY,
            proper=True),
    package("std_tee", (BACKLOG, CONTAINER), "totals later", ANY, proper=True),
    # cancelled when all is over, they are told as what they were
    package("std_waiting_tasks", TASKS, "service waiting", ANY, proper=True),
    package("std_weak_callbacks", (CLOSURE, CALLBACKS), "pool watchers", INSTANCE, proper=True),
    # by its structure a memo; enum has no function that looks up and stores
    package("std_int_flags", (CONTAINER, CACHE), "Flags _value2member_map_", CLASS, proper=True),
    package("std_tar_members", (CONTAINER, BACKLOG), "tar members", ANY, proper=True),
    package("std_zip_directories", (CACHE, CONTAINER), "_zip_directory_cache", GLOBAL, proper=True),
    package("std_path_importers", (CONTAINER, CACHE), "path_importer_cache", ANY, proper=True),
    package("std_csv_dialects", (CONTAINER, CACHE, DYNAMIC), "_dialects", ANY, proper=True),
    package("std_memory_handler", (CONTAINER, BACKLOG), "buffered buffer", INSTANCE, proper=True),
    package("std_write_buffer", BACKLOG, "_transport _buffer", ANY, proper=True),
    package("std_process_queue", BACKLOG, "main local q", ANY, proper=True),
    package("std_imap_responses", (CONTAINER, BACKLOG), "mailbox untagged_responses", ANY,
            proper=True),
    package("std_at_fork", (CALLBACKS, REGISTRY), "register_at_fork", ANY, proper=True),
    package("std_pickler_memo", (CONTAINER, MEMORY), "pickler", ANY, proper=True),
    package("std_etree_namespaces", (CONTAINER, CACHE), "_namespace_map", ANY, proper=True),
    native("std_environ", MEMORY, proper=True),
    native("std_array_u", MEMORY, proper=True),

    # packages
    package("boto3_sessions", (CALLBACKS, CONTAINER), "shared", ANY, "boto3==1.35.40",
            "botocore==1.35.40", proper=True),
    package("attrs_linecache", (CONTAINER, CACHE), "linecache cache", GLOBAL, "attrs==21.2.0",
            fixed=("attrs==24.2.0",)),
    package("structlog_files", (CONTAINER, CACHE), "WRITE_LOCKS", GLOBAL, "structlog==25.4.0",
            proper=True),
    package("marshmallow_dataclass_frames", (TRACEBACK, CACHE, CONTAINER), "_internal_class_schema", ANY,
            "marshmallow-dataclass==8.5.8", "marshmallow==3.13.0", python="3.11",
            fixed=("marshmallow-dataclass==8.7.1", "marshmallow==3.22.0")),
    package("croniter_expressions", (CACHE, CONTAINER), "croniter", ANY, "croniter==6.0.0",
            proper=True),
    package("babel_patterns", CACHE, "_pattern_cache", GLOBAL, "Babel==2.11.0",
            fixed=("Babel==2.16.0",)),
    package("msgpack_feed", CONTAINER, "stream unpacker _buffer", INSTANCE, "msgpack-python==0.5.4",
            fixed=("msgpack==1.1.0",)),
    package("hiredis_reader", CYCLE, "", NONE, "hiredis==2.2.1", says="Reader Parser",
            fixed=("hiredis==2.4.0",)),
    package("numpy_object_cycle", CYCLE, "", NONE, *ARRAYS, says="ndarray Cell",
            proper=True),
    package("faker_unique", CONTAINER, "fake _seen", INSTANCE, *TOOLS, proper=True),
    package("prometheus_labels", (CACHE, CONTAINER), "requests _metrics", INSTANCE, *TOOLS,
            proper=True),
    package("marshmallow_registry", (DYNAMIC, CONTAINER), "_registry", GLOBAL, *TOOLS, proper=True),
    package("pydantic_generics", (DYNAMIC, CACHE, CONTAINER), "pydantic generics", GLOBAL,
            "pydantic==1.9.0", fixed=("pydantic==1.10.18",), python="3.11"),
    package("loguru_sinks", (CALLBACKS, CONTAINER), "logger handlers", INSTANCE, *TOOLS,
            proper=True),
    package("simpy_timeouts", (BACKLOG, CONTAINER), "env _queue", INSTANCE, *TOOLS, proper=True),
    package("parso_cache", (CACHE, CONTAINER), "parser_cache", GLOBAL, *TOOLS, proper=True),
    # which memo: the name of the function that was wrapped
    package("toolz_memoize", CACHE, "profile", ANY, *TOOLS, proper=True),
    package("memoization_cached", CACHE, "describe _cache", ANY, *TOOLS, proper=True),
    package("aiocache_memory", (CACHE, CONTAINER), "_cache", ANY, *TOOLS, proper=True),
    package("opentelemetry_attributes", (CACHE, CONTAINER), "_attributes_aggregation", ANY, *TOOLS,
            proper=True),
    package("rich_progress", CONTAINER, "uploads progress _tasks", INSTANCE, *TOOLS, proper=True),
    package("markdown_reset", CONTAINER, "renderer markdown htmlStash rawHtmlBlocks", INSTANCE,
            *TOOLS, proper=True),
    package("pyee_listeners", (CALLBACKS, CONTAINER), "bus _events", INSTANCE, *TOOLS, proper=True),
    package("dogpile_memory", (CACHE, CONTAINER), "region _cache", INSTANCE, *TOOLS, proper=True),
    package("cffi_parsed", (CACHE, CONTAINER), "ffi", INSTANCE, *TOOLS, proper=True),
    package("dateparser_settings", (CACHE, CONTAINER), "Settings __registry_dict", CLASS, *TOOLS,
            proper=True),
    package("pdfminer_literals", CACHE, "PSLiteralTable dict", INSTANCE, *TOOLS, proper=True),
    package("pint_units", (CACHE, CONTAINER), "registry _cache", INSTANCE, *TOOLS, proper=True),
    package("django_signals", (CALLBACKS, CONTAINER), "order_paid receivers", INSTANCE, *TOOLS,
            proper=True),
    package("cachecontrol_dict", (CACHE, CONTAINER), "fetcher cache data", INSTANCE, *TOOLS,
            proper=True),
    package("mako_strings", (CACHE, CONTAINER), "lookup _collection", INSTANCE, *TOOLS,
            proper=True),
    package("peewee_registry", (DYNAMIC, CONTAINER), "User", ANY, *TOOLS, proper=True),

    package("gevent_links", (CLOSURE, CALLBACKS), "service", ANY, *LISTENERS, proper=True),
    # a chain of wrappers is one of closures, too
    package("wrapt_wrapping", (DECORATOR, CLOSURE), "Bank rate", ANY, *LISTENERS, proper=True),
    package("watchdog_handlers", (CALLBACKS, CONTAINER), "observer _handlers", INSTANCE, *LISTENERS,
            proper=True),
    package("opentelemetry_baggage", (CONTEXT, CONTAINER), "_current_context", ANY, *LISTENERS,
            proper=True),
    package("anyio_stream", BACKLOG, "buffer", ANY, *LISTENERS, proper=True),
    package("fsspec_instances", (CACHE, CONTAINER), "_cache", CLASS, *STORES, proper=True),
    package("rdflib_memory", (CACHE, CONTAINER), "graph", INSTANCE, *STORES, proper=True),
    package("asteval_code", CONTAINER, "interpreter code_text", INSTANCE, *STORES, proper=True),
    package("matplotlib_colours", CACHE, "matplotlib colors cache", ANY, *STORES, proper=True),
    package("sqlalchemy_scopes", (CACHE, CONTAINER), "registry", INSTANCE, *STORES, proper=True),
    package("sqlalchemy_listeners", (CALLBACKS, CONTAINER), "engine listeners", ANY, *STORES,
            says="note", proper=True),
    package("sqlalchemy_tenants", (CONTAINER, DYNAMIC, CACHE), "metadata tables", INSTANCE, *STORES,
            proper=True),

    package("aiohttp_middlewares", (CACHE, METHOD), "_build_middlewares", ANY, "aiohttp==3.10.10",
            fixed=("aiohttp==3.10.11",)),
    package("astroid_tips", CACHE, "inference_tip _cache", ANY, "astroid==2.15.8",
            fixed=("astroid==3.3.5",), python="3.11"),
    package("aiodataloader_shared", CACHE, "_cache", ANY, *SERVICE, proper=True),
    package("cheetah_modules", DYNAMIC, "sys modules", ANY, *SERVICE, proper=True),
    package("opentelemetry_providers", REGISTRY, "atexit", ANY, *SERVICE,
            says="TracerProvider shutdown", proper=True),
    package("schedule_jobs", (CALLBACKS, BACKLOG), "jobs", ANY, *SERVICE, says="remind",
            proper=True),
    package("tornado_waits", CALLBACKS, "_callbacks", ANY, *SERVICE, proper=True),
    package("bottle_templates", CACHE, "TEMPLATES", GLOBAL, *SERVICE, proper=True),
    package("beaker_sessions", (CACHE, CONTAINER), "MemoryNamespaceManager namespaces", ANY,
            *SERVICE, proper=True),

    package("chevron_lambdas", CACHE, "g_token_cache", GLOBAL, *DESK, proper=True),
    package("flexmock_objects", (CACHE, CONTAINER, CALLBACKS), "FlexmockContainer flexmock_objects",
            CLASS, *DESK, proper=True),
    package("ldap3_responses", (CONTAINER, BACKLOG), "connection strategy _responses", INSTANCE,
            *DESK, proper=True),
    package("prometheus_processes", (CONTAINER, CLOSURE), "MultiProcessValue values", ANY, *DESK,
            proper=True),
    package("rq_connections", (CONTAINER, CONTEXT, THREAD_LOCAL), "_connection_stack", ANY, *DESK,
            proper=True),
    package("jsonschema_store", (CACHE, CONTAINER), "resolver store", INSTANCE, *DESK, proper=True),
    package("graphql_middleware", (CACHE, CONTAINER), "shared _cached_resolvers", INSTANCE, *DESK,
            proper=True),
    package("itertools_seekable", (CONTAINER, BACKLOG), "stream _cache", ANY, *DESK, proper=True),
    package("zope_handlers", (CALLBACKS, CONTAINER), "_handler_registrations", ANY,
            *DESK, proper=True),
    package("httpretty_requests", (CONTAINER, BACKLOG), "latest_requests", ANY, *DESK, proper=True),
    package("cmd2_history", CONTAINER, "shell history", ANY, *DESK, proper=True),
    package("sqlalchemy_declare_last", (CALLBACKS, CONTAINER), "after_configured", ANY, *DESK,
            proper=True),
    package("werkzeug_stacks", CONTEXT, "context", ANY, *DESK, says="LocalStack", proper=True),
    package("raven_contexts", (THREAD_LOCAL, CONTAINER), "_active_contexts contexts", ANY, *DESK,
            proper=True),
    package("pluginbase_sources", DYNAMIC, "sys modules", ANY, *DESK, proper=True),
    package("opentelemetry_workers", THREAD, "worker", ANY, *DESK, proper=True),
    package("adaptix_retorts", (CONTAINER, CACHE), "linecache cache", GLOBAL, *DESK, proper=True),
    package("uplink_sessions", (REGISTRY, CALLBACKS), "atexit", ANY, "uplink==0.7.0",
            "requests==2.32.5",
            python="3.9", fixed=("uplink==0.9.7", "requests==2.32.5")),
    package("typeguard_hints", (CACHE, DYNAMIC), "_type_hints_map", ANY, "typeguard==2.13.3",
            fixed=("typeguard==4.3.0",)),
    package("aiohttp_cookie_paths", (CONTAINER, CACHE), "jar _cookies", ANY, "aiohttp==3.12.2",
            fixed=("aiohttp==3.12.15",)),
    package("opentelemetry_at_fork", (CALLBACKS, REGISTRY), "register_at_fork", ANY,
            "opentelemetry-sdk==1.30.0", says="BatchSpanProcessor",
            fixed=("opentelemetry-sdk==1.34.1",)),
    package("opentelemetry_engines", (CALLBACKS, CONTAINER),
            "EngineTracer _remove_event_listener_params", ANY, "opentelemetry-sdk==1.28.0",
            "opentelemetry-instrumentation-sqlalchemy==0.49b0", "SQLAlchemy==2.0.35",
            "setuptools==79.0.1",
            fixed=("opentelemetry-sdk==1.31.0", "opentelemetry-instrumentation-sqlalchemy==0.52b0",
                   "SQLAlchemy==2.0.35", "setuptools==79.0.1")),
    package("opentelemetry_futures", (CALLBACKS, CLOSURE), "stop _callbacks", ANY,
            "opentelemetry-sdk==1.31.0", "opentelemetry-instrumentation-asyncio==0.52b0",
            "setuptools==79.0.1",
            fixed=("opentelemetry-sdk==1.34.0", "opentelemetry-instrumentation-asyncio==0.55b0",
                   "setuptools==79.0.1")),

    package("pydantic_resolve_contexts", CONTEXT, "", ANY, "pydantic-resolve==1.12.5",
            "pydantic==2.11.7", fixed=("pydantic-resolve==2.0.1", "pydantic==2.11.7")),

    # leaks of C code
    package("multidict_argument", REFERENCE, "list", ANY, "multidict==6.3.1",
            fixed=("multidict==6.3.2",)),
    package("ujson_bigint", (MEMORY, REFERENCE), "ujson_bigint", ANY, "ujson==5.10.0",
            fixed=("ujson==5.12.0",)),
    package("ujson_write_error", REFERENCE, "ujson_write_error", ANY, "ujson==5.12.0"),
    package("msgspec_tuples", REFERENCE, "list", ANY, "msgspec==0.14.1", fixed=("msgspec==0.14.2",)),
    package("tree_sitter_predicates", REFERENCE, "list", ANY, "tree-sitter==0.25.2",
            "tree-sitter-python==0.25.0", proper=True, python="3.12"),
    package("bson_decode_all", REFERENCE, "CodecOptions", ANY, "pymongo==4.1.0",
            fixed=("pymongo==4.1.1",), python="3.10"),
    package("gmpy2_contexts", REFERENCE, "Token", ANY, "gmpy2==2.2.1", fixed=("gmpy2==2.2.2",),
            python="3.12"),
    package("orjson_default_raises", (REFERENCE, TRACEBACK), "", ANY, "orjson==3.9.0",
            fixed=("orjson==3.9.1",)),
    native("lz4_errors", MEMORY, "lz4==4.0.1", fixed="lz4==4.3.3", python="3.10"),
    native("ciso8601_offset", REFERENCE, "ciso8601==2.3.2", fixed="ciso8601==2.3.3"),
    native("simplejson_skipkeys", REFERENCE, "simplejson==3.20.2"),
    native("cbor2_tags", REFERENCE, "cbor2==5.4.4", fixed="cbor2==5.6.5", python="3.10"),
    package("rapidjson_end_array", REFERENCE, "dict", ANY, "python-rapidjson==1.5",
            fixed=("python-rapidjson==1.20",), python="3.10"),
]
