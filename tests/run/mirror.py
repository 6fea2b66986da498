"""A program that prints everything it can see of itself, one fact a line: `name = value`.

Run plainly and under `heaplens run` by test_mirror.py, which wants no line to differ. It takes what
looking would change first, and imports only after that. What cannot be the same in two runs at all
(addresses, the pid, pipe numbers) is left out or replaced. It ends with an exception nobody
catches, so that the traceback and the status are seen too.

What must remain different is listed in docs/running.md and is not printed here: entries of
/proc/self/task and their number, /proc/self/maps, resource use of dead children, blocks of the allocator,
the count of None, a thread state for the moment of a look, time. Of the objects made since the last collection
the test knows that they are a few more or fewer.
"""
import sys

modules_first = list(sys.modules)
import gc

made_first = gc.get_count()[0]
collector_first = (gc.get_count()[1:], gc.get_stats(), gc.get_freeze_count(), gc.get_threshold(), gc.isenabled(),
                   gc.callbacks, gc.garbage, gc.get_debug())
objects_first = gc.get_objects()
counts_first = {name: sys.getrefcount(value) for name, value in {
    "()": (), "''": "", "object": object, "type": type, "dict": dict, "str": str,
    "function": type(lambda: 0), "builtin": type(len), "module": type(sys), "sys": sys, "sys.modules": sys.modules,
    "builtins": sys.modules["builtins"], "main": sys.modules["__main__"], "'atexit'": "atexit", "'farewell'": "farewell",
    "len": len, "BaseException": BaseException, "sys.path": sys.path, "NotImplemented": NotImplemented}.items()}
interned_first = sys.getunicodeinternedsize() if hasattr(sys, "getunicodeinternedsize") else None
subclasses_first = [c.__module__ + "." + c.__qualname__ for c in object.__subclasses__()]
globals_first = list(globals())
sys_first = list(vars(sys))
frame_first = sys._getframe()
threads_first = len(sys._current_frames())

import atexit
import builtins
import io
import os
import re
import signal
import time
import warnings

out = io.StringIO()


def tell(name, value):
    """Addresses and numbers of this one process are no facts."""
    text = value if isinstance(value, str) else repr(value)
    text = re.sub(r"0x[0-9a-fA-F]{4,}", "0x", text)
    text = re.sub(r"\b(pipe|socket|anon_inode):\[[^]]*\]", r"\1", text)
    text = re.sub(r"/dev/pts/\d+", "/dev/pts", text).replace("/proc/%d/" % os.getpid(), "/proc/PID/")
    out.write("%s = %s\n" % (name, text))


def attempt(name, ask):
    try:
        tell(name, ask())
    except Exception as e:
        tell(name, "%s: %s" % (type(e).__name__, e))


def census(objects):
    counts = {}
    for o in objects:
        if type(o) in (tuple, dict):  # a collection takes some of them out of its lists, sooner or later
            continue
        name = type(o).__module__ + "." + type(o).__qualname__
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items())


def file(path):
    with open(path, errors="surrogateescape") as f:
        return f.read()


# ---- the interpreter ------------------------------------------------------------------------------

def interpreter():
    tell("modules at first", modules_first)
    tell("collector at first", collector_first)
    tell("made since a collection", made_first)
    tell("objects at first", census(objects_first))
    tell("counts at first", counts_first)
    tell("interned at first", interned_first)
    tell("classes at first", subclasses_first)
    tell("globals at first", globals_first)
    tell("frames", (frame_first.f_back, frame_first.f_code.co_name, frame_first.f_code.co_filename,
                    frame_first.f_lineno, frame_first.f_trace, frame_first.f_builtins is vars(builtins)))
    tell("threads at first", threads_first)
    tell("names in sys", sys_first)
    tell("names in builtins", list(vars(builtins)))
    for name in sys_first:
        if name not in ("modules", "path_importer_cache", "_framework"):
            value = vars(sys)[name]
            tell("sys." + name, sorted(value) if isinstance(value, (set, frozenset)) else value)
    tell("sys.path_importer_cache", list(sys.path_importer_cache))
    for name in ("getrecursionlimit", "getdlopenflags", "getfilesystemencoding", "getfilesystemencodeerrors",
                 "gettrace", "getprofile", "is_finalizing", "get_asyncgen_hooks", "exc_info",
                 "get_coroutine_origin_tracking_depth", "get_int_max_str_digits", "_is_gil_enabled",
                 "is_stack_trampoline_active"):
        if hasattr(sys, name):
            attempt("sys.%s()" % name, getattr(sys, name))
    if hasattr(sys, "monitoring"):
        tell("monitoring", [sys.monitoring.get_tool(i) for i in range(6)])
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        tell(name, [getattr(stream, a, None) for a in ("name", "mode", "encoding", "errors", "newlines",
                                                       "line_buffering", "write_through", "closed")])
        attempt(name + " is a terminal", stream.isatty)
    if sys.version_info < (3, 10):
        tell("exit handlers", atexit._ncallbacks())


def main_module():
    main = sys.modules["__main__"]
    for name in ("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__file__", "__cached__",
                 "__annotations__", "__path__", "__builtins__"):
        value = getattr(main, name, "none")
        tell("main " + name, type(value) if name == "__builtins__" else value)
    spec = main.__spec__
    if spec is not None:
        tell("main's spec", [getattr(spec, a) for a in ("name", "origin", "cached", "parent", "has_location",
                                                        "submodule_search_locations")])
    import inspect
    attempt("main's source", lambda: len(inspect.getsource(main)))
    tell("frames deep", len(inspect.stack()))

    import pickle
    text = pickle.dumps(Own(3))
    tell("pickled", (text, type(pickle.loads(text)) is Own))
    from multiprocessing import spawn
    told = spawn.get_preparation_data("child")
    told.pop("authkey")
    tell("multiprocessing tells a child", sorted(told.items()))


class Own:
    def __init__(self, value):
        self.value = value


def tools():
    import faulthandler
    import threading
    import traceback
    import tracemalloc
    tell("tracing", (faulthandler.is_enabled(), tracemalloc.is_tracing(), tracemalloc.get_traceback_limit()))
    tell("threads", [(t.name, t.daemon, t.ident == threading.main_thread().ident,
                      t.native_id == os.getpid()) for t in threading.enumerate()])
    tell("thread tools", (threading.active_count(), threading.stack_size(), threading.excepthook, threading._profile_hook,
                          threading._trace_hook, len(threading._dangling)))
    tell("stack", "".join(traceback.format_stack()))
    tell("filters", [str(f) for f in warnings.filters])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("look here")
        pid = os.fork()
        if pid == 0:
            mine = len(os.listdir("/proc/self/task")), threading.active_count(), os.environ == environment_first
            os._exit(10 + mine[0] * 2 + mine[1] + mine[2])
        tell("child forked", os.waitpid(pid, 0)[1])
    tell("warned", [(str(w.message), w.category.__name__, w.filename, w.lineno) for w in caught])
    tell("registry", [k for k in globals().get("__warningregistry__", ())])
    attempt("wait", os.wait)
    attempt("waitpid", lambda: os.waitpid(-1, os.WNOHANG))
    audit = []
    sys.addaudithook(lambda event, args: audit.append(event) if watching else None)
    watching.append(1)
    compile("1", "x", "eval")
    os.listdir("/")
    watching.clear()
    tell("audited", audit)
    import site
    import sysconfig
    tell("site", (site.ENABLE_USER_SITE, site.PREFIXES, site.USER_SITE))
    tell("paths", sorted(sysconfig.get_paths().items()))
    try:
        import _testinternalcapi
        tell("configuration", sorted(_testinternalcapi.get_configs().items()))
    except (ImportError, AttributeError):
        tell("configuration", "not told")


watching = []


# ---- the process ----------------------------------------------------------------------------------

OF_STATUS = ("Name", "Umask", "State", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "SigPnd", "ShdPnd",
             "SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
             "Cpus_allowed", "Mems_allowed", "CoreDumping")


def process():
    tell("environment", list(environment_first.items()))
    tell("environment in bytes", list(os.environb.items()))
    tell("environment told by the system", file("/proc/self/environ").rstrip("\0"))
    for name in ("cmdline", "comm", "limits", "oom_score_adj", "coredump_filter", "personality", "cgroup", "loginuid",
                 "sessionid", "timerslack_ns", "autogroup", "uid_map"):
        attempt("/proc/self/" + name, lambda: re.sub(r"autogroup-\d+", "autogroup", file("/proc/self/" + name)))
    for name in ("exe", "cwd", "root"):
        tell("/proc/self/" + name, os.readlink("/proc/self/" + name))
    for line in file("/proc/self/status").splitlines():
        key, _, value = line.partition(":")
        if key in ("SigPnd", "ShdPnd", "SigBlk", "SigIgn"):  # 32 and 33 are the C library's, for its threads
            value = "%x" % (int(value, 16) & ~(3 << 31))
        if key in OF_STATUS:
            tell("status " + key, value.strip())
    stat = file("/proc/self/stat").rpartition(")")[2].split()
    tell("stat", {"ppid": stat[1], "group": stat[2] == stat[3], "terminal": stat[4] != "0", "flags": stat[6],
                  "priority": stat[15:17], "exit signal": stat[35], "policy": stat[37:39]})
    tell("descriptors", descriptors_first)
    tell("inheritable", [os.get_inheritable(n) for n in range(3)])
    import fcntl
    tell("open flags", [(fcntl.fcntl(n, fcntl.F_GETFL), fcntl.fcntl(n, fcntl.F_GETFD)) for n in range(3)])
    import resource
    tell("limits", [(n, resource.getrlimit(getattr(resource, n))) for n in dir(resource) if n.startswith("RLIMIT_")])
    tell("family", (os.getppid(), os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid(),
                    os.getpgid(0) == os.getpgid(os.getppid())))
    tell("user", (os.getuid(), os.getgid(), os.getgroups(), os.getresuid(), os.getpriority(os.PRIO_PROCESS, 0)))
    tell("cores", os.sched_getaffinity(0))
    tell("folder", os.getcwd())
    mask = os.umask(0o77)
    tell("umask", mask)
    os.umask(mask)
    tell("signals", [(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())])
    tell("blocked", signal.pthread_sigmask(signal.SIG_BLOCK, []))
    tell("pending", signal.sigpending())
    tell("wakeup", signal.set_wakeup_fd(-1))
    tell("alarms", [signal.getitimer(n) for n in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)])
    import locale
    tell("locale", (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False), time.tzname))
    for n in range(3):
        attempt("terminal of %d" % n, lambda: (os.isatty(n), os.isatty(n) and os.ttyname(n)))
        attempt("foreground of %d" % n, lambda: os.tcgetpgrp(n) == os.getpgrp())
        attempt("window of %d" % n, lambda: os.get_terminal_size(n))
    try:
        import termios
        for n in range(3):
            attempt("modes of %d" % n, lambda: termios.tcgetattr(n))
    except ImportError:
        tell("termios", "none")


def c_library():
    try:
        import ctypes
        c = ctypes.CDLL(None)
    except (ImportError, OSError) as e:
        return tell("ctypes", e)
    c.getenv.restype = ctypes.c_char_p
    for name in (b"LD_PRELOAD", b"HEAPLENS_PAGE", b"HEAPLENS_LD_PRELOAD", b"PATH", b"_"):
        tell("getenv %s" % name.decode(), c.getenv(name))
    c.getauxval.restype = ctypes.c_char_p
    tell("executed as", c.getauxval(31))
    value = ctypes.c_int()
    for name, option in (("death signal", 2), ("subreaper", 37)):
        c.prctl(option, ctypes.byref(value), 0, 0, 0)
        tell(name, value.value)
    for name, option in (("dumpable", 3), ("keep capabilities", 7), ("timer slack", 30), ("no new privileges", 39)):
        tell(name, c.prctl(option, 0, 0, 0, 0))
    buffer = (ctypes.c_ulong * 32)()
    acts = []
    for s in range(1, 65):
        if c.sigaction(s, None, buffer) == 0:
            acts.append((s, {0: "default", 1: "ignored"}.get(buffer[0], "caught"), buffer[17] & 0xffffffff))
    tell("actions", acts)


def children():
    import subprocess
    show = "import os, sys; print(list(os.environ.items()), sys.flags, sorted(os.listdir('/proc/self/fd')), " \
           "len(os.listdir('/proc/self/task')))"
    for words in ([sys.executable, "-c", show], ["/bin/sh", "-c", "cat /proc/self/environ /proc/self/cmdline; ls /proc/self/fd"]):
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        tell("child of subprocess", (done.returncode, done.stdout))
    tell("child of system", os.system("exit 3"))
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "test -z \"$LD_PRELOAD$HEAPLENS_PAGE\""], os.environ)
    tell("child of posix_spawn", os.waitpid(pid, 0)[1])
    attempt("wait after all", os.wait)


def last():
    tell("modules at last", list(sys.modules))
    tell("collector at last", (gc.get_threshold(), gc.isenabled(), gc.get_freeze_count(), gc.callbacks))
    tell("classes at last", sorted([c.__module__ + "." + c.__qualname__ for c in object.__subclasses__()]))


environment_first = dict(os.environ)
descriptors_first = sorted((int(n), os.readlink("/proc/self/fd/" + n) if os.path.exists("/proc/self/fd/" + n)
                            or os.path.islink("/proc/self/fd/" + n) else "gone") for n in os.listdir("/proc/self/fd"))
for part in (interpreter, main_module, process, c_library, tools, children, last):
    part()
if sys.stdin and not sys.stdin.isatty() and sys.argv[-1:] == ["read"]:
    tell("standard input", sys.stdin.read())
atexit.register(lambda: print("the end"))
print(out.getvalue(), end="")
raise ValueError(Own.__module__, "nobody catches this")
