/* diagnose/causes.c: what each cause is, how it looks, how it is proved, how it is avoided.
 *
 * Room   diagnose; plain text. A new cause is a row here; docs/causes/ID.md is the row printed by
 *        `heaplens explain ID --markdown`, and a test holds the two together. */
#include "diagnose/diagnose.h"

static const hl_cause causes[] = {
    {
        .id = "reference-cycle",
        .title = "cycles that nobody collects",
        .seed = "循环引用",
        .what = "Objects that refer to each other keep each other's reference count above zero, so "
                "dropping the last outside reference does not free them. CPython's cyclic "
                "collector finds and frees such groups, and it is on by default: an ordinary cycle "
                "is not a leak, it only lives until the collector's next run.\n\n"
                "A cycle leaks "
                "when nobody collects it: the collector is off (`gc.disable()`), never starts "
                "(`gc.set_threshold(0)`), was told to leave the objects alone (`gc.freeze()`), or "
                "keeps them in `gc.garbage` (`gc.DEBUG_SAVEALL`); or an extension type in the "
                "cycle owns references it does not show to the collector.\n\n"
                "A `__del__` method "
                "does not keep a cycle alive: since Python 3.4 (PEP 442) such cycles are finalized "
                "and freed like others. Older advice to avoid `__del__` for that reason is out of "
                "date.",
        .leaks = "import gc\n"
                 "\n"
                 "gc.disable()\n"
                 "\n"
                 "class A:\n"
                 "    pass\n"
                 "\n"
                 "class B:\n"
                 "    pass\n"
                 "\n"
                 "for _ in range(200_000):\n"
                 "    a, b = A(), B()\n"
                 "    a.b = b\n"
                 "    b.a = a  # closes the cycle, and nobody will open it\n",
        .healthy = "import weakref\n"
                   "\n"
                   "class A:\n"
                   "    pass\n"
                   "\n"
                   "class B:\n"
                   "    pass\n"
                   "\n"
                   "for _ in range(200_000):\n"
                   "    a, b = A(), B()\n"
                   "    a.b = b\n"
                   "    b.a = weakref.ref(a)  # the way back does not keep a alive\n",
        .recognised =
            "A snapshot has groups of objects that nothing outside them refers to: no root "
            "reaches them, and the reference count of every member is exactly the references "
            "from inside. That is garbage whatever the program does. It is called a leak if "
            "the collector will not take it (off, never starting, frozen, kept in "
            "`gc.garbage`, an extension type it cannot see into) and there is more of it in "
            "each snapshot, or enough to matter. While the collector runs it is a note, with "
            "the types, the edges and the bytes waiting.",
        .fix = "Leave the collector on; where pauses hurt, call `gc.collect()` at quiet points "
               "instead of switching it off for good. Make the reference back (child to parent, "
               "handler to owner) weak: `weakref.ref`, `weakref.proxy`, `weakref.WeakMethod`. Or "
               "break the cycle when the work is done, in a `close()` method or a with block: "
               "`self.parent = None`. Call `gc.freeze()` only after `gc.collect()`.",
    },
    {
        .id = "closure",
        .title = "kept functions keep what their cells hold",
        .seed = "闭包",
        .what = "An inner function keeps a cell for each variable of the outer function it uses, "
                "and a cell keeps its object alive as long as the function lives. One such "
                "function is harmless. It leaks when functions are made again and again and kept "
                "(in a list, as callbacks, in a registry), and each brings its own big object "
                "along.\n\n"
                "The cell holds the variable, not the part of it that is used: "
                "`len(rows)` in the inner function keeps all the rows. Lambdas, generators and "
                "methods of nested classes that use outer variables have cells too.",
        .leaks = "def outer():\n"
                 "    large_list = [i for i in range(10_000)]\n"
                 "    def inner():\n"
                 "        return large_list\n"
                 "    return inner\n"
                 "\n"
                 "closures = []\n"
                 "for _ in range(300):\n"
                 "    closures.append(outer())  # each keeps a list of its own\n",
        .healthy = "def outer():\n"
                   "    large_list = [i for i in range(10_000)]\n"
                   "    total = sum(large_list)\n"
                   "    def inner():\n"
                   "        return total  # the cell holds a number\n"
                   "    return inner\n"
                   "\n"
                   "closures = []\n"
                   "for _ in range(300):\n"
                   "    closures.append(outer())\n",
        .recognised =
            "Something grows without pause, and most of the bytes it gained hang below the "
            "cells of functions, where the functions share one code object and their number "
            "rises. The report names the holder that keeps the functions, the code object, the "
            "variable in the cell, and how many copies there are. Functions made once, as "
            "decorators make them at import, do not multiply and are silent.",
        .fix = "Let the inner function take the object as an argument, or give it only the part "
               "it needs (a number, a key, `functools.partial` with a small value). Set the "
               "variable to None in the outer function when the inner one no longer needs it "
               "(`nonlocal`). Drop the functions themselves: unregister callbacks, clear the list "
               "that keeps them.",
    },
    {
        .id = "growing-container",
        .title = "a container that grows and lives as long as the program",
        .seed = "全局变量",
        .what = "A list, dict, set or queue that outlives the work it was filled for, gains "
                "entries with every piece of work and loses none. What keeps it alive is one of "
                "these, and the report's `holder.kind` says which: a global of a module "
                "(`module-global`), an attribute of a class, shared by all instances "
                "(`class-attribute`), an attribute of an object that lives on "
                "(`instance-attribute`), the default value of an argument, made once when the "
                "function is defined (`mutable-default`), or a local of a function that does not "
                "return (`frame-local`).\n\n"
                "Nothing is wrong with the interpreter here: every "
                "object is reachable, and so the collector can do nothing.",
        .leaks = "seen = []\n"
                 "\n"
                 "def handle(request):\n"
                 "    seen.append(request)  # every request, for ever\n"
                 "    return len(request)\n"
                 "\n"
                 "for n in range(1_000_000):\n"
                 "    handle(\"request %d\" % n)\n",
        .healthy = "from collections import deque\n"
                   "\n"
                   "seen = deque(maxlen=1000)  # the last thousand\n"
                   "\n"
                   "def handle(request):\n"
                   "    seen.append(request)\n"
                   "    return len(request)\n"
                   "\n"
                   "for n in range(1_000_000):\n"
                   "    handle(\"request %d\" % n)\n",
        .recognised =
            "Over three or more snapshots, the entries (or the bytes) at one place, named from "
            "a root down, rise in every interval after the warm-up, at a rate that does not "
            "fall by half, and what was gained matters (1 MiB, or 5 % of the heap). The "
            "nearest object above that gains is named as the holder. Silent: a container that "
            "stops at a size, one with a declared bound (`deque(maxlen)`, "
            "`lru_cache(maxsize)`), one that shrinks now and then. Only `possible`: one that a "
            "single call is still filling, since that may be a result being built.",
        .fix = "Remove entries when they are done with. Bound it: `collections.deque(maxlen=N)`. "
               "Keep the data in the object that needs it, so that it goes when that object goes. "
               "Where others own the entries: `weakref.WeakSet`, `weakref.WeakValueDictionary`. "
               "Default arguments: use None, and make the list inside. Class attributes: make the "
               "list in `__init__`. Long loops: hand results on (yield, write out) instead of "
               "collecting them.",
    },
    {
        .id = "not-collected",
        .title = "what should be gone is still there",
        .seed = "",
        .what = "The program says of an object that it is done with, and expects it to be "
                "collected: a session that was closed, a window that was destroyed, a request that "
                "was answered. If something still refers to it, it stays, with everything it "
                "refers to.",
        .leaks = "import heaplens\n"
                 "\n"
                 "listeners = []\n"
                 "\n"
                 "class Session:\n"
                 "    def __init__(self):\n"
                 "        listeners.append(self)\n"
                 "\n"
                 "    def close(self):  # and forgets to leave listeners\n"
                 "        heaplens.expect_collected(self, \"closed\")\n"
                 "\n"
                 "Session().close()\n",
        .healthy = "import heaplens\n"
                   "\n"
                   "listeners = []\n"
                   "\n"
                   "class Session:\n"
                   "    def __init__(self):\n"
                   "        listeners.append(self)\n"
                   "\n"
                   "    def close(self):\n"
                   "        listeners.remove(self)\n"
                   "        heaplens.expect_collected(self, \"closed\")\n"
                   "\n"
                   "Session().close()\n",
        .recognised =
            "`heaplens.expect_collected(obj, reason)` notes a weak reference. What is alive in the "
            "last snapshot of `heaplens run` or of `heaplens.watch()` is reported with the chain "
            "that holds it, those that hang on one place together. Silent: what is gone; a cycle "
            "that only waits for the collector is a note. Only `possible`: what a call that still "
            "runs holds, and an object that takes no weak reference (list, dict, a class with "
            "`__slots__`): it is known by its address, where another may stand.",
        .fix =
            "Follow the chain to the edge that should have been cut, and cut it where the object "
            "is done with: unregister, `remove`, `pop`, set the attribute to None. Or make that "
            "edge a weak one: `weakref.ref`, `weakref.WeakSet`, `weakref.WeakMethod` for "
            "callbacks. `print(heaplens.why(obj))` shows all chains at any moment.",
    },
    {
        .id = "unbounded-cache",
        .title = "a cache that evicts nothing",
        .seed = "对象缓存",
        .what = "A dict that is looked up before work is done and filled after it, or a function "
                "under `functools.cache` or `functools.lru_cache(maxsize=None)`. As long as the "
                "same few keys come back it is a good cache. When keys go on being new (ids, "
                "times, user input, paths) it keeps every answer ever given.",
        .leaks = "cache = {}\n"
                 "\n"
                 "def get_object(key):\n"
                 "    if key not in cache:\n"
                 "        cache[key] = bytearray(1_000)\n"
                 "    return cache[key]\n"
                 "\n"
                 "for key in range(100_000):  # every key is a new one\n"
                 "    get_object(key)\n",
        .healthy = "from functools import lru_cache\n"
                   "\n"
                   "@lru_cache(maxsize=128)\n"
                   "def get_object(key):\n"
                   "    return bytearray(1_000)\n"
                   "\n"
                   "for key in range(100_000):\n"
                   "    get_object(key)\n",
        .recognised =
            "A growing container, as that page says, which is a cache: the dict inside an "
            "`lru_cache` without maxsize, or a dict that one live piece of code both looks up "
            "and stores into (read from its bytecode, so names do not matter). The report says "
            "what the keys are like (rising ints, str like uuids), never their values. Silent: "
            "a cache at its bound, and one whose growth ends with its keys.",
        .fix = "Give it a size: `functools.lru_cache(maxsize=N)`, `cachetools.LRUCache`. Or an "
               "age: `cachetools.TTLCache`. Or let entries go with their owners: "
               "`weakref.WeakValueDictionary`, `weakref.WeakKeyDictionary`. Check that keys "
               "repeat at all: `cache_info()` shows hits and misses, and a cache without hits is "
               "best removed.",
    },
};

const hl_cause *hl_causes(uint32_t *n)
{
    *n = sizeof causes / sizeof *causes;
    return causes;
}
