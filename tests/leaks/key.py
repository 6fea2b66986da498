"""What a right diagnosis says about each program here: the answers, in one table.

A leak names its cause, the words of its holder's name, the kind of holder, and the least it must
keep. Where two answers are right, both are listed. Every program in healthy/ is expected to get
`no-leak` and no finding; the few that are only to be left unaccused say so here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

INTERPRETER = "interpreter"
GLOBAL, CLASS, INSTANCE = "module-global", "class-attribute", "instance-attribute"
DEFAULT, CELL, LOCAL, NONE = "mutable-default", "closure-cell", "frame-local", "none"

CYCLE, CLOSURE, CONTAINER = "reference-cycle", "closure", "growing-container"
CACHE, METHOD = "unbounded-cache", "method-cache"
TRACEBACK, PENDING, THREAD = "exception-traceback", "pending-task", "thread"
PER_THREAD, CONTEXT, REGISTRY = "thread-local", "context-variable", "native-registry"
INTERPRETER, NATIVE = "interpreter", "native"
DECORATOR, CALLBACK = "decorator", "callback-registry"
DYNAMIC, BACKLOG = "dynamic-code", "backlog"


@dataclass(frozen=True)
class Leak:
    program: str  # below tests/leaks: a file, or a package to run with -m
    causes: tuple[str, ...]
    holder: tuple[str, ...]  # identifiers that stand in holder.name
    kinds: tuple[str, ...]
    megabytes: float  # retained by the holder, at least
    says: tuple[str, ...] = ()  # identifiers that stand somewhere in the finding
    keep: tuple[str, ...] = ()  # names that a renamer has to leave alone

    @property
    def name(self) -> str:
        return self.program.removesuffix(".py")

    @property
    def package(self) -> bool:
        return not self.program.endswith(".py")


def leak(program, causes, holder, kinds, megabytes, says="", keep=""):
    def several(value):
        return (value,) if isinstance(value, str) else value

    return Leak(program, several(causes), tuple(holder.split()), several(kinds), megabytes,
                tuple(says.split()), tuple(keep.split()))


LEAKS = [
    leak("reference_cycle/module_level.py", CYCLE, "", NONE, 8, "Owner Account account owner"),
    leak("reference_cycle/in_function.py", CYCLE, "", NONE, 8, "Left Right left right"),
    leak("reference_cycle/in_class.py", CYCLE, "", NONE, 5, "Element root"),
    leak("reference_cycle/dicts.py", CYCLE, "", NONE, 5, "dict"),
    leak("reference_cycle/inner_recursion.py", CYCLE, "", NONE, 5, "depth_of walk function"),
    leak("reference_cycle/frozen.py", CYCLE, "", NONE, 5, "Job Result result job"),
    leak("reference_cycle/exception.py", CYCLE, "", NONE, 5, "ValueError"),
    leak("reference_cycle/late_collector.py", CYCLE, "", NONE, 8, "Window on_click"),
    leak("reference_cycle/own_frame.py", CYCLE, "frame", NONE, 8, "whereabouts here"),
    leak("reference_cycle/treepkg", CYCLE, "", NONE, 8, "Branch parent children"),

    leak("closure/module_level.py", CLOSURE, "readers", GLOBAL, 60, "make_reader read table"),
    leak("closure/class_attribute.py", CLOSURE, "Editor undo_steps", CLASS, 8, "undo before"),
    leak("closure/instance_attribute.py", CLOSURE, "dispatcher handlers", INSTANCE, 8, "log_it"),
    leak("closure/in_function.py", CLOSURE, "pending", LOCAL, 8, "later payload"),
    leak("closure/lambdas.py", CLOSURE, "actions", GLOBAL, 20, "register row"),
    # neither the wrapping nor the keeping is wrong in more than one way: two names for one thing
    leak("closure/stacked.py", (CLOSURE, "decorator"), "handler", (GLOBAL, CELL), 10, "layer"),
    leak("closure/hooks", CLOSURE, "HOOKS", GLOBAL, 8, "on_close profile"),
    leak("closure/signal_slots.py", CLOSURE, "Signals slots", CLASS, 8, "Widget __init__"),
    leak("closure/signal_handlers.py", CLOSURE, "signal handler SIGUSR1", INTERPRETER, 5, "report"),
    leak("closure/one_cell.py", (CLOSURE, CONTAINER), "record records", CELL, 5),

    leak("growing_container/global_list.py", CONTAINER, "readings", GLOBAL, 40),
    leak("growing_container/fitted_out.py", CONTAINER, "machine models", INSTANCE, 3),
    leak("growing_container/global_dict.py", CONTAINER, "receipts", GLOBAL, 8),
    leak("growing_container/global_set.py", CONTAINER, "issued", GLOBAL, 8),
    leak("growing_container/global_deque.py", CONTAINER, "recent", GLOBAL, 8),
    leak("growing_container/inner_lists.py", CONTAINER, "orders", GLOBAL, 5),
    leak("growing_container/byte_log.py", CONTAINER, "journal", GLOBAL, 15),
    leak("growing_container/linked.py", CONTAINER, "head", GLOBAL, 8),
    leak("growing_container/class_list.py", CONTAINER, "Order everything", CLASS, 8),
    leak("growing_container/class_dict_inherited.py", CONTAINER, "Base _sent", CLASS, 8),
    leak("growing_container/instance_global.py", CONTAINER, "service history", INSTANCE, 8),
    leak("growing_container/instance_local.py", CONTAINER, "meter samples", INSTANCE, 8),
    leak("growing_container/lent_to_thread.py", CONTAINER, "archive letters", (INSTANCE, LOCAL), 5),
    leak("growing_container/tasks_done.py", CONTAINER, "finished", GLOBAL, 8),
    leak("growing_container/never_dumped.py", CONTAINER, "ledger _rows", INSTANCE, 8),
    leak("growing_container/failed_jobs.py", CONTAINER, "board _open", INSTANCE, 5),
    leak("growing_container/left_open.py", CONTAINER, "open_ones", GLOBAL, 6),
    leak("growing_container/streams_left.py", CONTAINER, "main reader streams", (INSTANCE, LOCAL), 8),
    leak("growing_container/native_streams.py", CONTAINER, "gateway connections", INSTANCE, 0.05,
         says="memory C code"),
    leak("growing_container/class_per_instance.py", CONTAINER, "asked", GLOBAL, 3),
    leak("growing_container/patches_started.py", CONTAINER, "_patch _active_patches", CLASS, 3,
         keep="charge"),
    leak("growing_container/grouped.py", CONTAINER, "by_session", GLOBAL, 2),
    leak("growing_container/register_or_weak.py", (CONTAINER, "callback-registry"), "server objects",
         INSTANCE, 4),
    leak("growing_container/site-packages/routekit", CONTAINER,
         "application routes _by_weight", INSTANCE, 4),
    leak("growing_container/limit_passed.py", CONTAINER, "inbox waiting", INSTANCE, 5, "receive limit"),
    leak("growing_container/site-packages/partkit", CONTAINER, "reader parts", INSTANCE, 4),
    leak("growing_container/told_key.py", CONTAINER, "tokens sessions", INSTANCE, 5),
    leak("growing_container/files_renamed.py", CONTAINER, "index storage files", INSTANCE, 4),
    leak("growing_container/instance_nested.py", CONTAINER, "backend audit entries", INSTANCE, 8),
    leak("growing_container/instance_dict.py", CONTAINER, "manager sessions", INSTANCE, 8),
    leak("growing_container/default_list.py", CONTAINER, "collect found", DEFAULT, 8),
    leak("growing_container/default_keyword.py", CONTAINER, "enter trail", DEFAULT, 8),
    leak("growing_container/local_list.py", CONTAINER, "main trace", LOCAL, 8),
    leak("growing_container/local_thread.py", CONTAINER, "worker done", LOCAL, 5),
    leak("growing_container/local_coroutine.py", CONTAINER, "consume log", LOCAL, 5),
    leak("growing_container/wrong_key.py", (CONTAINER, CACHE), "sessions", GLOBAL, 8),
    leak("growing_container/strings.py", CONTAINER, "notes", GLOBAL, 5),
    leak("growing_container/shards.py", CONTAINER, "shards entries", INSTANCE, 8),
    leak("growing_container/numbers_array.py", CONTAINER, "recorder figures", INSTANCE, 15),
    leak("growing_container/dataclass_field.py", CONTAINER, "session messages", INSTANCE, 8),
    leak("growing_container/singleton.py", CONTAINER, "Metrics points", INSTANCE, 8),
    leak("growing_container/function_attribute.py", CONTAINER, "greet calls",
         (INSTANCE, GLOBAL), 5),
    leak("growing_container/among_churn.py", CONTAINER, "kept", GLOBAL, 5),
    leak("growing_container/dead_references.py", CONTAINER, "sheet watchers", INSTANCE, 4),
    leak("growing_container/mocked.py", CONTAINER, "gateway", INSTANCE, 2, keep="return_value"),
    leak("growing_container/late_start.py", CONTAINER, "log", GLOBAL, 5),
    leak("growing_container/text_stream.py", CONTAINER, "trail", GLOBAL, 2),
    leak("growing_container/byte_stream.py", CONTAINER, "connection copy", INSTANCE, 4),
    leak("growing_container/named_fields.py", CONTAINER, "state", GLOBAL, 5),
    leak("growing_container/beside_leaps.py", CONTAINER, "audit", GLOBAL, 8),
    # the table and the tree hold the same nodes
    leak("growing_container/tree_by_path.py", (CONTAINER, CACHE), "tree", INSTANCE, 1),
    leak("growing_container/emptied_at_exit.py", CONTAINER, "Document open_ones", CLASS, 6),
    # these have narrower causes, which may win over the general one
    leak("growing_container/outrun.py", (CONTAINER, "backlog"), "waiting", GLOBAL, 8),
    leak("growing_container/futures.py", CONTAINER, "started", GLOBAL, 8),
    leak("growing_container/log_handlers.py", (CONTAINER, "callback-registry"), "handlers",
         INSTANCE, 8),
    leak("growing_container/one_loop.py", CONTAINER, "protocol", GLOBAL, 8),
    leak("growing_container/module_loop.py", CONTAINER, "answers", GLOBAL, 5),
    leak("growing_container/module_loop_brief.py", CONTAINER, "SEEN", GLOBAL, 5),
    leak("growing_container/feed_tree.py", CONTAINER, "target", (INSTANCE, LOCAL, NONE), 5),
    leak("growing_container/class_loop.py", CONTAINER, "Desk handled_tickets", CLASS, 5),
    leak("growing_container/dead_local.py", CONTAINER, "work finished", LOCAL, 8),
    leak("growing_container/text_attribute.py", CONTAINER, "chat transcript", INSTANCE, 2),
    leak("growing_container/bytes_replaced.py", CONTAINER, "sent", GLOBAL, 2),
    leak("growing_container/audit", CONTAINER, "store ENTRIES", GLOBAL, 8),
    leak("growing_container/compared_with_another.py", CONTAINER, "link packets", INSTANCE, 8),
    leak("growing_container/counted_without_limit.py", CONTAINER, "hub events", INSTANCE, 8),
    leak("growing_container/service_with_decoys.py", CONTAINER, "Gateway _calls", CLASS, 8),

    leak("unbounded_cache/module_level.py", CACHE, "pages", GLOBAL, 60),
    leak("unbounded_cache/get_form.py", CACHE, "digests", GLOBAL, 8),
    leak("unbounded_cache/keyerror_form.py", CACHE, "plans", GLOBAL, 30),
    leak("unbounded_cache/slots_no_limit.py", CACHE, "pages entries", INSTANCE, 8),
    leak("unbounded_cache/setdefault_form.py", CACHE, "interned", GLOBAL, 8),
    leak("unbounded_cache/lru_none.py", CACHE, "describe", GLOBAL, 8),
    leak("unbounded_cache/functools_cache.py", CACHE, "distance", GLOBAL, 8),
    leak("unbounded_cache/static_method.py", CACHE, "Geometry ring", CLASS, 8),
    leak("unbounded_cache/class_attribute.py", CACHE, "Translator _known", CLASS, 6),
    leak("unbounded_cache/instance_attribute.py", CACHE, "repository rows", INSTANCE, 10),
    leak("unbounded_cache/closure_variable.py", CACHE, "asked answers", (CELL, GLOBAL), 8),
    leak("unbounded_cache/library_set.py", CACHE, "shop prices _kept", INSTANCE, 4),
    leak("unbounded_cache/named_dict.py", CACHE, "pages", GLOBAL, 8),
    leak("unbounded_cache/local_variable.py", (CACHE, CONTAINER), "main resolved", LOCAL, 10),
    leak("unbounded_cache/default_argument.py", CACHE, "collatz known", DEFAULT, 15),
    leak("unbounded_cache/limit_none.py", CACHE, "pages kept", INSTANCE, 8),
    leak("unbounded_cache/ordered.py", CACHE, "thumbnails", GLOBAL, 15),
    leak("unbounded_cache/two_levels.py", (CACHE, CONTAINER), "rates", GLOBAL, 8),
    # what looks up is the dict itself
    leak("unbounded_cache/missing.py", CACHE, "squares", GLOBAL, 10),
    leak("unbounded_cache/weak_key.py", (CACHE, CONTAINER), "views", (INSTANCE, GLOBAL), 5),
    leak("unbounded_cache/wide_key.py", CACHE, "Weather answers", CLASS, 8),
    leak("unbounded_cache/lookup", CACHE, "users _users", GLOBAL, 10),
    # found by its address: now main() leads to it, now a task that loads a row
    leak("unbounded_cache/coroutine_local.py", CACHE, "rows", (INSTANCE, LOCAL), 4),
    leak("unbounded_cache/by_mixin.py", CACHE, "ask answers", INSTANCE, 8),
    leak("unbounded_cache/bound_get.py", CACHE, "quote answers", (CELL, GLOBAL), 8),
    leak("unbounded_cache/of_decorator.py", CACHE, "report memory _results", INSTANCE, 8),
    leak("unbounded_cache/exchanged_key.py", CACHE, "plans", GLOBAL, 8),
    leak("unbounded_cache/renewed_when_old.py", CACHE, "answers", GLOBAL, 8),

    leak("exception_traceback/kept_failures.py", TRACEBACK, "failures", GLOBAL, 8, "parse work"),
    leak("exception_traceback/raised_again.py", TRACEBACK, "NOT_OPEN", (GLOBAL, INSTANCE), 8, "write"),
    leak("exception_traceback/class_log.py", TRACEBACK, "Importer problems", CLASS, 15, "check"),
    leak("exception_traceback/in_main.py", TRACEBACK, "main failed", LOCAL, 6, "fetch page"),
    leak("exception_traceback/while_handled.py", TRACEBACK, "feed last", INSTANCE, 6),
    leak("exception_traceback/chained.py", TRACEBACK, "monitor last", INSTANCE, 8,
         "probe sample"),
    leak("exception_traceback/retried.py", TRACEBACK, "client refused", INSTANCE, 4, "Refused"),
    leak("exception_traceback/kept_frames.py", TRACEBACK, "callers", GLOBAL, 5, "handle request"),
    leak("exception_traceback/gathered.py", TRACEBACK, "outcomes", GLOBAL, 8, "download body"),
    leak("exception_traceback/importer", TRACEBACK, "errors REPORTS", GLOBAL, 5, "read document"),

    leak("pending_task/never_set_event.py", PENDING, "waiting", GLOBAL, 8, "wait event",
         keep="wait"),
    leak("pending_task/forgotten_futures.py", PENDING, "client answers", INSTANCE, 6, "ask"),
    leak("pending_task/timers.py", PENDING, "_scheduled", INSTANCE, 4, "expired"),
    leak("pending_task/blocked_producers.py", PENDING, "pipeline queue _putters", INSTANCE, 5,
         "submit"),
    leak("pending_task/sleepers.py", PENDING, "loop _scheduled", INSTANCE, 8, "forget_later"),
    leak("pending_task/hub", PENDING, "rooms LOBBY gate _waiters", INSTANCE, 6, "enter"),

    leak("thread_local/module_level.py", PER_THREAD, "state seen", PER_THREAD, 5),
    leak("thread_local/subclass.py", PER_THREAD, "service statistics timings", PER_THREAD, 4),
    leak("thread_local/in_function.py", PER_THREAD, "spans open", PER_THREAD, 4),
    leak("thread_local/pool", PER_THREAD, "_current connection queries", PER_THREAD, 5),

    leak("context_variable/module_level.py", CONTEXT, "calls", PER_THREAD, 5),
    leak("context_variable/default_value.py", CONTEXT, "Baggage items", CLASS, 5),
    # only the context itself leads to the variable: it is known by the name it was given
    leak("context_variable/never_reset.py", CONTEXT, "current", PER_THREAD, 8, keep="current"),
    # a variable that only the context knows has no other place than that
    leak("context_variable/variable_per_call.py", CONTEXT, "context", PER_THREAD, 7, "steps",
         keep="steps context"),
    # its text is counted in the context's own node: nothing of it has a place
    leak("context_variable/text_per_call.py", CONTEXT, "context", PER_THREAD, 7, keep="context"),
    leak("context_variable/kept_contexts.py", CONTEXT, "contexts", GLOBAL, 8, "body"),
    leak("context_variable/tracing", CONTEXT, "scope _breadcrumbs", (INSTANCE, GLOBAL), 5),

    leak("thread/never_end.py", THREAD, "listen", LOCAL, 15),
    leak("thread/in_class.py", THREAD, "run", LOCAL, 10, "Heartbeat", keep="run"),
    leak("thread/beside_tables.py", THREAD, "poll", LOCAL, 0.1),
    leak("thread/timers.py", THREAD, "run", LOCAL, 15, "Lease expire", keep="daemon"),
    leak("thread/pool_per_customer.py", THREAD, "_worker", LOCAL, 0.3),
    leak("thread/watch", THREAD, "poll", LOCAL, 15),

    leak("native_registry/atexit_methods.py", REGISTRY, "atexit", INTERPRETER, 5,
         "Session close"),
    leak("native_registry/atexit_arguments.py", REGISTRY, "atexit", INTERPRETER, 2),
    leak("native_registry/ctypes_callbacks.py", REGISTRY, "ready", NATIVE, 5, "Listener",
         keep="argtypes"),
    leak("native_registry/sqlite_functions.py", REGISTRY, "look_up", NATIVE, 8),
    leak("native_registry/plugin", REGISTRY, "atexit", INTERPRETER, 2, "flush"),
    leak("native_registry/atexit_undone.py", REGISTRY, "atexit", INTERPRETER, 4,
         "Exporter shutdown"),
    leak("reference_cycle/closed_type.py", CYCLE, "", NONE, 8, "Zone since datetime",
         keep="utcoffset dst minutes"),
    leak("reference_cycle/kept_for_debugging.py", CYCLE, "gc garbage", INTERPRETER, 8,
         "Node itself"),
    leak("growing_container/warned_texts.py", CONTAINER, "__warningregistry__", GLOBAL, 4),
    leak("growing_container/logger_per_request.py", CONTAINER, "logging loggerDict", INSTANCE, 8),
    leak("growing_container/at_import", CONTAINER, "journal", GLOBAL, 8),
    leak("growing_container/after_imports.py", CONTAINER, "seen", GLOBAL, 8),
    leak("growing_container/generated_sources.py", CONTAINER, "linecache cache", GLOBAL, 5),

    leak("method_cache/module_level.py", METHOD, "Invoice total", CLASS, 8, "Invoice"),
    leak("method_cache/inherited.py", METHOD, "Shape area", CLASS, 8, "Picture"),
    leak("method_cache/in_function.py", METHOD, "main Parser longest", CLASS, 5, "Parser"),
    leak("method_cache/bounded.py", METHOD, "Query cost", CLASS, 8, "Query"),
    leak("method_cache/property_of_message.py", METHOD, "Message digest", CLASS, 8, "Message"),
    leak("method_cache/bound_wrapper.py", METHOD, "Ticket price", (CLASS, INSTANCE), 8, "Ticket"),
    leak("method_cache/memo_by_hand.py", METHOD, "ask answers", CELL, 15, "Route"),
    leak("method_cache/billing", METHOD, "Customer balance", (CLASS, INSTANCE), 8, "Customer"),

    leak("decorator/call_log.py", DECORATOR, "audit calls", CELL, 8, "render"),
    leak("decorator/function_attribute.py", DECORATOR, "handle history", (INSTANCE, GLOBAL), 5,
         "run"),
    leak("decorator/on_method.py", DECORATOR, "run timings", CELL, 5, "send"),
    leak("decorator/class_based.py", DECORATOR, "convert seen", INSTANCE, 5, "convert"),
    leak("decorator/wrapped_per_call.py", DECORATOR, "running", GLOBAL, 15, "attempt load"),
    leak("decorator/layers.py", DECORATOR, "Server handler", (CLASS, INSTANCE), 15, "check"),
    leak("decorator/partials.py", DECORATOR, "site respond", INSTANCE, 8, "answer"),
    leak("decorator/arguments_kept.py", DECORATOR, "route", GLOBAL, 10, "Request"),
    leak("decorator/tracing", DECORATOR, "inside trace spans", INSTANCE, 7, "store"),

    leak("callback_registry/bound_methods.py", CALLBACK, "on_shutdown", GLOBAL, 8, "close Session"),
    leak("callback_registry/in_class.py", CALLBACK, "Widget resized _slots", INSTANCE, 8, "resize"),
    leak("callback_registry/partials.py", CALLBACK, "main bus when_paid", INSTANCE, 5, "notify"),
    leak("callback_registry/log_handlers.py", CALLBACK, "jobs handlers", (INSTANCE, INTERPRETER), 3,
         "Memory"),
    leak("callback_registry/listeners_dict.py", CALLBACK, "Broker subscriptions", CLASS, 10,
         "changed Page"),
    leak("callback_registry/selector.py", CALLBACK, "hub selector _fd_to_key", INSTANCE, 7),
    leak("callback_registry/wrapped_listeners.py", CALLBACK, "engine before", INSTANCE, 6,
         "note Request"),
    leak("callback_registry/future_waits.py", (CALLBACK, CLOSURE), "_callbacks", (LOCAL, INSTANCE), 4),
    leak("callback_registry/finalizers.py", (CALLBACK, CONTAINER), "finalize _registry", CLASS, 5),
    leak("callback_registry/timeouts_over.py", CALLBACK, "_callbacks", (LOCAL, INSTANCE), 3),
    leak("callback_registry/through_desk.py", CALLBACK, "desk jobs", INSTANCE, 7, "remind"),
    leak("callback_registry/codec_searchers.py", CALLBACK, "codecs register", INTERPRETER, 2, "search"),
    leak("callback_registry/audit_hooks.py", CALLBACK, "audit hooks", INTERPRETER, 2, "Auditor"),
    leak("callback_registry/gc_callables.py", CALLBACK, "gc callbacks", GLOBAL, 4, "Stopwatch"),
    leak("callback_registry/next_steps.py", CALLBACK, "bot steps", INSTANCE, 7, "answered"),
    leak("callback_registry/site-packages/confkit", CALLBACK, "Settings _resolvers", CLASS, 8),
    leak("callback_registry/desk", CALLBACK, "events _listeners", GLOBAL, 7, "on_event Ticket"),

    leak("dynamic_code/classes_in_list.py", DYNAMIC, "known", GLOBAL, 5, keep="number"),
    leak("dynamic_code/namedtuples.py", DYNAMIC, "main rows", LOCAL, 5),
    leak("dynamic_code/modules.py", DYNAMIC, "sys modules", INTERPRETER, 5),
    leak("dynamic_code/plugin_packages.py", DYNAMIC, "sys modules", INTERPRETER, 5),
    leak("dynamic_code/modules_rich.py", DYNAMIC, "sys modules", INTERPRETER, 8),
    leak("dynamic_code/modules_indexed.py", DYNAMIC, "sys modules", INTERPRETER, 5, keep="Rendered text values words render Letter"),
    leak("dynamic_code/compiled_rules.py", DYNAMIC, "engine rules", INSTANCE, 4),
    leak("dynamic_code/subclass_registry.py", DYNAMIC, "Plugin registry", CLASS, 8, "Doubling"),
    leak("dynamic_code/generic_function.py", DYNAMIC, "describe registry", INSTANCE, 5),
    leak("dynamic_code/named_classes.py", DYNAMIC, "schemas known", INSTANCE, 5, keep="load fields"),
    leak("dynamic_code/forms", DYNAMIC, "factory FORMS", GLOBAL, 8, "Form"),

    leak("backlog/queue_thread.py", BACKLOG, "jobs", GLOBAL, 8),
    # nobody takes from it as long as it is not connected
    leak("backlog/limit_zero.py", (BACKLOG, CONTAINER), "outbox waiting", INSTANCE, 8),
    leak("backlog/deque_class.py", BACKLOG, "uploader chunks", INSTANCE, 6),
    leak("backlog/heap_of_object.py", BACKLOG, "main scheduler timers", INSTANCE, 4),
    leak("backlog/list_global.py", BACKLOG, "to_visit", GLOBAL, 5),
    leak("backlog/thread_of_object.py", BACKLOG, "main pipeline jobs", INSTANCE, 6),
    leak("backlog/outlives_call.py", BACKLOG, "senders", (GLOBAL, INSTANCE), 3),
    leak("backlog/feed", BACKLOG, "Feed current events", (CLASS, INSTANCE), 8),
]

# Programs that end with a status of their own; all others end well.
STATUS = {"growing_container/class_dict_inherited": 3}

# Two leaks in one program: both are named, in whatever order.
TWO = "growing_container/two_at_once.py"
TWO_HOLDERS = {("mailer", "sent"): CONTAINER, ("addresses",): CACHE}

HEALTHY = sorted("healthy/" + path.name for path in (HERE / "healthy").glob("*.py"))

# Healthy programs about which there is still something to say: words in the text of a note.
NOTED = {"healthy/cycle_single.py": (CYCLE, ("Head", "Tail", "head", "tail"))}

# One thing filled by one call from the first moment to the last, or read as a whole by the code that
# drove the filling: nobody can tell from outside whether it is wanted. `undecided` is honest there,
# an accusation is not. So is it of what goes by age, if nothing was as old when the program ended.
UNACCUSED = [
    "open/index_built.py",
    "open/network_built.py",
    "open/one_long_result.py",
    "open/one_loop_counted.py",
    "open/one_long_table.py",
    "open/sessions_of_an_hour.py",
    "open/table_at_import.py",
]
