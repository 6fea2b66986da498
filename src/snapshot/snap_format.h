/* snapshot/snap_format.h: the chunk kinds and columns of a snapshot; docs/format.md in C.
 *
 * Room   snapshot; written in the target's cloned child, read by the analyser.
 * A snapshot is one stream: a META chunk first, COLUMN chunks in any order (the chunks of one
 * column, joined in file order, are that column's bytes), an END chunk last. Without END it is not
 * whole and is not used. Column contents are varints (rt.h) unless said; "delta" is the zigzag
 * difference to the previous value of the same column.
 *
 * Ids. A node's *provisional id* is  page sequence << 8 | granule:  the sequence number of the 4
 * KiB page (in order of discovery; two sequences for a page whose objects are only 8-byte aligned)
 * and the 16-byte granule in it. The PAGE column gives each sequence's key, so address = (key >> 1)
 * << 12 | granule << 4 | (key & 1) << 3. Readers number nodes 0..n-1 in row order. */
#ifndef HL_SNAP_FORMAT_H
#define HL_SNAP_FORMAT_H

enum hl_chunk_kind {
    HL_KIND_RUN_META = 1,   /* stream 0: fields of enum hl_run_field                              */
    HL_KIND_RUN_END = 2,    /* stream 0: HL_RUN_EXIT, HL_RUN_SECONDS                              */
    HL_KIND_SNAP_META = 16, /* fields of enum hl_snap_field, first chunk of its stream           */
    HL_KIND_SNAP_COLUMN = 17,
    HL_KIND_SNAP_END = 18, /* fields HL_SNAP_NODES .. : totals the reader checks, last chunk     */
};

/* META and END payloads are a list of fields: varint tag << 1 | is_text, then a varint value, or a
 * varint length and that many bytes of UTF-8. Unknown tags are skipped. */
enum hl_run_field {
    HL_RUN_PID = 1,
    HL_RUN_PYTHON = 2,  /* text: "3.11.7"                                    */
    HL_RUN_PROGRAM = 3, /* text: script path, "-m mod" or "-c": never arguments */
    HL_RUN_STARTED = 4, /* unix time, microseconds                           */
    HL_RUN_EXIT = 5,    /* exit status, or 256 + signal                      */
    HL_RUN_SECONDS = 6, /* microseconds from start to end                    */
    HL_RUN_TOOL = 7,    /* text: heaplens version that wrote                 */
    HL_RUN_KEY = 8,     /* text: 16 hex digits, key of content hashes        */
    HL_RUN_LIMIT = 9,   /* bytes the process may have; 0: not known          */
    HL_RUN_PARENT = 10, /* pid of the process that started it, where that is followed */
    HL_RUN_FIRST = 11,  /* pid of the first process of the run; missing: this is it   */
};
enum hl_snap_field {
    HL_SNAP_TIME = 1,   /* microseconds since the program began             */
    HL_SNAP_CPU = 2,    /* CPU microseconds of the program, ours taken off  */
    HL_SNAP_RSS = 3,    /* bytes                                            */
    HL_SNAP_REASON = 4, /* text: start, growth, time, end, exit, api ...     */
    HL_SNAP_GC_ENABLED = 5,
    HL_SNAP_GC_THRESHOLD0 = 6,
    HL_SNAP_GC_COLLECTIONS0 = 7, /* of generations 0, 1, 2 */
    HL_SNAP_GC_COLLECTIONS1 = 8,
    HL_SNAP_GC_COLLECTIONS2 = 9,
    HL_SNAP_GC_RUNNING = 10, /* a collection was under way                       */
    HL_SNAP_PYTHON = 11,     /* text                                             */
    HL_SNAP_PID = 12,
    HL_SNAP_UNSETTLED = 13, /* taken without the GIL: never used for growth     */
    HL_SNAP_PAUSE = 14,     /* nanoseconds the program stood still (END, if known) */
    HL_SNAP_PROGRAM = 15,   /* text, where the file has no RUN_META              */
    HL_SNAP_GC_FROZEN = 16, /* objects in the permanent generation              */
    HL_SNAP_USER_CPU = 17,  /* of HL_SNAP_CPU, microseconds outside the kernel   */
    HL_SNAP_ROUNDS = 18,    /* units of work the program said were done; only if there were any */
    HL_SNAP_ASKER = 19,     /* 1 + index of the thread that took it, where a thread asked       */
    /* where the resident memory lies: HL_SNAP_MEMORY + enum hl_memory, each only if measured */
    HL_SNAP_MEMORY = 48,
    /* totals, in END */
    HL_SNAP_NODES = 32,
    HL_SNAP_EDGES = 33,
    HL_SNAP_FOLDED = 34,       /* objects folded into their holder                  */
    HL_SNAP_SKIPPED = 35,      /* objects that could not be read                    */
    HL_SNAP_WALK_NS = 36,      /* CPU nanoseconds of the child                      */
    HL_SNAP_CHILD_BYTES = 37,  /* private memory of the child                   */
    HL_SNAP_CHUNKS = 38,       /* chunks of this stream, END included               */
    HL_SNAP_LEAVES = 80,       /* leaves met: what HL_COL_DUP was searched in       */
    HL_SNAP_LEAVES_SEEN = 81,  /* of those, looked at                               */
    HL_SNAP_DUP_CONTENTS = 82, /* contents that were found more than once          */
    HL_SNAP_DUP_BYTES = 83,    /* bytes of their copies beyond the first           */
    /* tracking, in END, only where allocations were followed */
    HL_SNAP_TRACK = 96,            /* enum hl_followed                                  */
    HL_SNAP_TRACK_RATE = 97,       /* sampled: mean bytes from one sample to the next      */
    HL_SNAP_TRACK_DROPPED = 98,    /* blocks or samples there was no room to follow        */
    HL_SNAP_TRACK_SINCE = 99,      /* microseconds since the program began, when it began  */
    HL_SNAP_TRACK_PEAK = 100,      /* bytes live at the high-water mark                    */
    HL_SNAP_TRACK_PEAK_TIME = 101, /* microseconds since the program began                */
    HL_SNAP_TRACK_LISTS = 102,     /* bits of hl_free_list: whose objects are told from the line
                                     that made them, and not from who made the block first  */
    HL_SNAP_TRACK_AGE = 103,       /* snapshots taken before this one, for HL_COL_AGE */
    HL_SNAP_TRACK_THREADS = 104, /* 1: what was made of all time is told of the thread that made it,
                                      and not of one that has some in use there */
    HL_SNAP_TRACK_WITHIN = 105,  /* the widest window of HL_COL_WITHIN; missing: none */
    HL_SNAP_NATIVE = 106,        /* enum hl_followed: so were the blocks of malloc,
                                     HL_COL_NATIVE_SITE; of samples the amounts are estimates */
    HL_SNAP_NATIVE_DROPPED = 107,  /* blocks and stacks there was no room to follow */
    HL_SNAP_NATIVE_RATE = 108,     /* sampled: mean bytes from one sample to the next */
    HL_SNAP_TRACK_LIVE_ONLY = 109, /* 1: what lives is told and nothing else: of another tool */
    HL_SNAP_MARK = 118,    /* 1: what still leads to blocks was asked, HL_COL_LOST and the like */
    HL_SNAP_MARK_NS = 119, /* CPU nanoseconds of it */
    HL_SNAP_MARK_BYTES = 120, /* bytes that were read for it */
    /* what the process had when the snapshot was asked for: + enum hl_resource, each only if counted */
    HL_SNAP_RESOURCE = 112,
    /* in END, before 3.12: references to what all programs share, + 2 * enum hl_shared: how many its
     * count has; + 1: how many of them are edges, which are not in the columns */
    HL_SNAP_SHARED = 128,
    HL_SNAP_PARTLY = 144, /* in END: so many long sequences of leaves were read in part */
    HL_SNAP_SORTED = 145, /* in END: so many lists were being sorted, and not seen into */
};

enum hl_resource {
    HL_RESOURCE_BLOCKS = 0,   /* in use, of the interpreter's own allocator */
    HL_RESOURCE_MALLOC = 1,   /* bytes in use, as malloc counts them         */
    HL_RESOURCE_FDS = 2,      /* open file descriptors                       */
    HL_RESOURCE_THREADS = 3,  /* of the kernel: Python's and others          */
    HL_RESOURCE_MAPPINGS = 4, /* lines of /proc/self/maps                    */
    HL_RESOURCES = 5,
};

enum hl_shared {
    HL_SHARED_NONE = 0,
    HL_SHARED_TRUE = 1,
    HL_SHARED_FALSE = 2,
    HL_SHARED_ELLIPSIS = 3,
    HL_SHARED_NOT_IMPLEMENTED = 4,
    HL_SHARED_INTS = 5, /* the small ones there is one of each, together */
    HL_SHARED_KINDS = 6,
};
enum { HL_WINDOWS = 6 }; /* freed within 2, 4 ... 64 allocations of the thread that made them */

enum hl_followed { HL_FOLLOWED_NOT = 0, HL_FOLLOWED_EXACT = 1, HL_FOLLOWED_SAMPLED = 2 };

/* Kinds of objects that CPython keeps for the next of their kind: the allocator never hears of it. */
enum hl_free_list {
    HL_FREE_LIST_FLOAT = 1,
    HL_FREE_LIST_TUPLE = 2,
    HL_FREE_LIST_LIST = 4,
    HL_FREE_LIST_DICT = 8,
    HL_FREE_LIST_INT = 16,
    HL_FREE_LIST_KEYS = 32, /* tables of keys of small dicts */
};

/* Who asked for a block: PyMem_RawMalloc, PyMem_Malloc, PyObject_Malloc; malloc itself. */
enum hl_block_domain {
    HL_BLOCK_RAW = 0,
    HL_BLOCK_MEM = 1,
    HL_BLOCK_OBJ = 2,
    HL_BLOCK_NATIVE = 3,
    HL_BLOCK_DOMAINS = 4,
};

/* Bytes, unless said. */
enum hl_memory {
    HL_MEMORY_SHARED = 0,         /* resident pages of files, and shared memory              */
    HL_MEMORY_HEAP = 1,           /* resident in malloc's main heap ([heap])                 */
    HL_MEMORY_HEAP_FREE = 2,      /* of HEAP: free chunks                                    */
    HL_MEMORY_MAPPED = 3,         /* resident in anonymous mappings, arenas, stacks, OURS aside */
    HL_MEMORY_STACKS = 4,         /* resident in the stacks of the program's Python threads  */
    HL_MEMORY_WRITTEN = 5,        /* resident pages of mapped files that are the process's own */
    HL_MEMORY_SWAP = 6,           /* swapped out, no part of RSS                             */
    HL_MEMORY_ARENAS = 7,         /* number of arenas of the small-object allocator          */
    HL_MEMORY_ARENA_ROOM = 8,     /* their address space                                     */
    HL_MEMORY_ARENA_RESIDENT = 9, /* resident in them                                        */
    HL_MEMORY_ARENA_POOLS = 10,   /* in their pools that hold a block in use                 */
    HL_MEMORY_ARENA_USED = 11,    /* in blocks in use                                        */
    HL_MEMORY_IMAGE = 12,         /* address of the interpreter's own data, no heap          */
    HL_MEMORY_IMAGE_SIZE = 13,
    HL_MEMORY_OURS = 14, /* resident in what heaplens mapped for itself, its tables above all */
    HL_MEMORY_COUNT = 15,
};

enum hl_snap_column {
    /* a row a node, in discovery order */
    HL_COL_ID = 0,     /* delta of provisional id                              */
    HL_COL_FLAGS = 1,  /* enum hl_row_flag                                     */
    HL_COL_TYPE = 2,   /* type index                                           */
    HL_COL_SIZE = 3,   /* bytes of the object itself, GC header included        */
    HL_COL_REFCNT = 4, /* 0 = immortal                                         */
    HL_COL_NEDGE = 5,  /* only rows with HL_ROW_EDGES                          */
    HL_COL_NFOLD = 6,  /* only rows with HL_ROW_FOLDS                          */
    HL_COL_LEN = 7,    /* only rows with HL_ROW_LEN                            */
    HL_COL_CAP = 8,    /* only rows with HL_ROW_CAP: capacity or bound          */
    HL_COL_EXT = 9,    /* only rows with HL_ROW_EXT: bytes outside the object   */
    /* per edge, in row order */
    HL_COL_DST = 10,   /* delta of provisional id                              */
    HL_COL_LABEL = 11, /* hl_label: kind | value << 4                          */
    /* per fold row: three varints */
    HL_COL_FOLD = 12, /* type index, objects, bytes                            */
    /* a list of values */
    HL_COL_PAGE = 13, /* delta of page key, one a sequence                     */
    HL_COL_GEN0 = 14, /* delta of provisional id: members of the generation     */
    HL_COL_GEN1 = 15,
    HL_COL_FROZEN = 16, /* the permanent generation                            */
    HL_COL_NAME = 17,  /* texts: varint length, bytes; index = order, 1 the first; 0 is "no name" */
    HL_COL_TYPES = 18, /* per type: id + 1 of the type object (0: not a node), name index, flags
                          hl_type_flag, basicsize */
    HL_COL_CODE = 19,  /* per code object: id, name, qualname, file (name indices), first line,
                          positional args, keyword-only args, count of variable names, those
                          names, count of free names, those names                            */
    HL_COL_USE = 20,   /* per (code, name) use of a container: code id, hl_use_scope, name index,
                          hl_use bits */
    HL_COL_ROOT = 21,  /* per named root: hl_root_kind, id + 1, name index, thread index, line;
                          a thread's frames innermost first                                      */
    HL_COL_KEYS = 22,  /* per big dict or set: id, hl_keys_kind, detail                        */
    HL_COL_STATIC = 23, /* ids of objects whose references C holds for good (static types)       */
    HL_COL_PROGRESS =
        24, /* per ROOT row of kind FRAME, in their order: 32-bit digest of where the frame
               stands: instruction, locals, evaluation stack, states of iterators
               there; it cannot change while a call the frame made is running. The digits of
               HL_PROGRESS_HINT are of global counters, which a call may change    */
    HL_COL_EXPECT = 25, /* per object the program expects to be gone: id + 1 (0: it is), flags of
                           hl_expect_flag, names: reason, type                               */
    HL_COL_THREAD = 26, /* per Python thread: index (as in ROOT), ident, native id (0 unknown),
                           id + 1 of its Thread object, name index, hl_thread_flag             */
    HL_COL_DUP = 27,    /* per content that several leaves have: type index, length, bytes of one,
                           copies, copies looked at, count of holders told, those: id, label   */
    HL_COL_OFF = 28, /* per attribute that bounds nothing (None, 0, below, beyond all memory), where
                        its namespace has a big container, too: id of the instance or dict, name */
    /* where allocations were followed; amounts are blocks, bytes: of samples what they stand for */
    HL_COL_FRAME = 29,  /* per line of code that asked for memory: names of function and file, first
                          line of the function, line (0: unknown); numbered from 1 */
    HL_COL_STACK = 30,  /* per stack: how many entries before this one is its caller (0: it has
                          none), its frame; numbered from 1 */
    HL_COL_SITE = 31,   /* per (stack, thread, domain): stack, 1 + index of the thread (0: unknown),
                          hl_block_domain, then amounts: live, of all time, of those the temporary ones,
                          live at the high-water mark; standard error of the live bytes */
    HL_COL_AGE = 32,    /* per (stack, age): stack, snapshots that were taken before these blocks
                          were made, amount still live */
    HL_COL_MADE = 33,   /* per (row, stack): how many rows after the one of the entry before (the
                          first: its row), stack, 1 + type index of leaves folded into it (0: the
                          object itself, and its own blocks), amount */
    HL_COL_NUMBER = 34, /* per attribute that is a whole number of 64 and more, where its namespace
                           has a big container, too: id of the instance or dict, name, how many
                           binary digits it has; never its value */
    HL_COL_WITHIN = 35, /* per (SITE, window): how many SITE entries after that of the entry before
                           (the first: its index), k, amount freed within 2^k allocations of the
                           thread and not within 2^(k-1); that within one is SITE's temporary one */
    /* where the blocks of malloc were followed: those that no object has */
    HL_COL_MODULE = 36, /* per executable or shared library that a stack leads through: names of
                                its path and its build id (hexadecimal); numbered from 1. A path of
                                0: code that nothing loaded has */
    HL_COL_NATIVE = 37, /* per native stack: how many entries before this one is its caller (0: it
                                has none), module, and where in its file the call returns to; of
                                module 0 the STACK of Python code that called; numbered from 1 */
    HL_COL_NATIVE_SITE =
        38, /* per native stack that has blocks in use: stack, amount, and the bytes
                                malloc uses for them */
    /* where it was asked what still leads to blocks (src/inside/mark.h) */
    HL_COL_LOST = 44, /* per (native stack, type) whose blocks nothing leads to any more: native
                         stack, 1 + index of the type of the object it is (0: of none that is known),
                         amount */
    HL_COL_HOLD = 45, /* per (native stack, holder) of the others of NATIVE_SITE: native stack,
                         hl_hold_kind, which, at (hl_hold_kind), amount. A block that hangs from another
                         of the same stack has that one's holder */
    HL_COL_LOST_SITE = 46, /* the same of small blocks of the interpreter's allocator that are in no
                              object the collector knows: STACK (0: not known), 1 + type, amount; of
                              samples those of all Python's allocators, estimated */
    HL_COL_HELD = 47,      /* per word outside of Python's memory that leads to an object: delta of
                         provisional id, hl_hold_kind, which, at */
    HL_COL_NOBODY =
        48, /* delta of provisional id: objects of the collector that nothing leads to */
    HL_COL_COUNT = 49,
};

/* What a word lies in that leads to a block. */
enum hl_hold_kind {
    HL_HOLD_OTHER = 0, /* memory of which nothing is known                                       */
    HL_HOLD_DATA = 1,  /* variables of a library; which: MODULE, at: as an address of its file   */
    HL_HOLD_BLOCK = 2, /* a block of malloc; which: the native stack that took it                */
    HL_HOLD_OBJECT =
        3,             /* an object; which: 1 + type index, 0: not known                          */
    HL_HOLD_STACK = 4, /* a thread's stack                                                       */
    HL_HOLD_KINDS = 5,
};
#define HL_PROGRESS_HINT 0xffu

enum hl_row_flag {
    HL_ROW_EDGES = 1,
    HL_ROW_FOLDS = 2,
    HL_ROW_LEN = 4,
    HL_ROW_CAP = 8,
    HL_ROW_EXT = 16,
    HL_ROW_TRACKED = 32, /* the collector knows it                             */
    HL_ROW_BOUNDED = 64, /* cap is a declared bound (deque maxlen, lru maxsize) */
    HL_ROW_OPAQUE = 128, /* owns references tp_traverse may not report          */
};

enum hl_type_flag {
    HL_TYPE_GC = 1,
    HL_TYPE_HEAP = 2,
    HL_TYPE_FINALIZER = 4,   /* __del__ (tp_finalize of a class) or tp_del */
    HL_TYPE_NO_TRAVERSE = 8, /* in the collector, without tp_traverse      */
    HL_TYPE_EXCEPTION = 16,
    HL_TYPE_TYPE = 32, /* a metatype: its instances are types */
    HL_TYPE_DICT = 64, /* subclass flags of the interpreter   */
    HL_TYPE_LIST = 128,
    HL_TYPE_TUPLE = 256,
};

/* A label is  kind | value << 4. */
enum hl_label_kind {
    HL_LABEL_INTERNAL = 0, /* value: ordinal of the reference in tp_traverse               */
    HL_LABEL_NAMED = 1,    /* value: name of a C-level field: __closure__, __globals__ ...  */
    HL_LABEL_ATTR = 2,     /* value: name; instance attribute kept inline                   */
    HL_LABEL_SLOT = 3,     /* value: name; member of __slots__                              */
    HL_LABEL_KEY = 4,      /* value: name; entry of a namespace (module, type, instance)    */
    HL_LABEL_VALUE = 5,    /* value: type index of the key; value of another dict            */
    HL_LABEL_DICTKEY = 6,  /* the key object itself                                         */
    HL_LABEL_INDEX = 7,    /* value: index + 1 in tuples of up to 255, 0 elsewhere          */
    HL_LABEL_ELEMENT = 8,  /* member of a set                                               */
    HL_LABEL_CELL = 9,     /* cell -> content                                               */
    HL_LABEL_LOCAL = 10,   /* value: name; local of a frame, generator or coroutine         */
    HL_LABEL_STACK = 11,   /* a frame's evaluation stack                                    */
    HL_LABEL_WEAK = 12,    /* weak reference -> referent: keeps nothing alive               */
    HL_LABEL_TYPE = 13,    /* instance -> its class                                         */
    HL_LABEL_BASE = 14,    /* view -> the object whose memory it shows                      */
    HL_LABEL_UNOWNED = 15, /* seen, but not counted in the referent's refcount              */
};

enum hl_root_kind {
    HL_ROOT_MODULE = 1, /* name: key in sys.modules                               */
    HL_ROOT_TYPE = 2,   /* static type; name as the type                           */
    HL_ROOT_FRAME =
        3, /* running frame (or running generator); name: qualname; line; thread index */
    HL_ROOT_THREAD = 4,  /* thread state: dict, context, current exception; name says which */
    HL_ROOT_INTERP = 5,  /* interpreter state: builtins, codecs, import; name says which    */
    HL_ROOT_GARBAGE = 6, /* gc.garbage                                                     */
};

enum hl_expect_flag {
    HL_EXPECT_BY_ADDRESS = 1, /* it takes no weak reference: another may stand in its place */
};

enum hl_thread_flag {
    HL_THREAD_DAEMON = 1,
    HL_THREAD_MAIN = 2,
    HL_THREAD_KNOWN = 4, /* threading has an object for it: name and DAEMON are told */
};

/* How a code object uses a container it knows by one name. Adaptive bytecode is read through its
 * deoptimised form. */
enum hl_use_scope {
    HL_SCOPE_GLOBAL = 1,
    HL_SCOPE_ATTR = 2,
    HL_SCOPE_FREE = 3,
    HL_SCOPE_LOCAL = 4,
    HL_SCOPE_CODE = 5, /* no name: the code object itself, bits of hl_code_state */
};
enum hl_code_state { HL_CODE_NEVER_RAN = 1 }; /* where the interpreter can tell */
enum hl_use {
    HL_USE_TEST = 1,    /* key in c                                    */
    HL_USE_GET = 2,     /* c[k], c.get, c.setdefault                   */
    HL_USE_STORE = 4,   /* c[k] = v, c.setdefault, c.update            */
    HL_USE_ADD = 8,     /* c.append, add, extend, insert, appendleft, put */
    HL_USE_REMOVE = 16, /* del c[k], c.pop, popitem, popleft, clear, remove, discard, c[:] = */
    HL_USE_LEN = 32,    /* len(c) compared with something              */
    HL_USE_REBIND = 64, /* the name is assigned                        */
    HL_USE_ITER = 128,  /* for x in c                                  */
    HL_USE_DROP =
        256, /* of REMOVE: whatever is there, not one key: popitem, popleft, clear, c[:] = */
    HL_USE_WHOLE =
        512, /* read from end to end outside of any loop, or returned: a result is put to use */
    HL_USE_TAKE = 1024,    /* of REMOVE: one entry, to work on it: pop, popleft, popitem, heappop */
    HL_USE_HANDED = 2048,  /* given to somebody, who may read it: an argument, a part of something,
                              returned, yielded, assigned, compared, formatted; or deleted */
    HL_USE_COUNTED = 4096, /* len(c) put to any other use; is there anything in it? */
    HL_USE_ENTRY = 8192,   /* of GET: one entry is read from end to end, outside of any loop */
    HL_USE_EXCHANGE =
        16384, /* of REMOVE: only ever one key whenever, and because, another was stored */
    HL_USE_LIMIT = 32768,    /* the length of something is compared with it */
    HL_USE_COMPARED = 65536, /* anything is */
    HL_USE_OWN_KEY = 131072, /* of REMOVE: by a key that no argument of the code gives */
    HL_USE_BACK = 262144,    /* of REMOVE: only ever what the same run of the code put in before */
    HL_USE_FILED = 524288,   /* of GET: only ever to put something into the entry */
    HL_USE_GIVEN =
        1048576, /* of STORE: only ever c[k] = an argument of the code, not k; or a condition
                                with one in an arm */
};

/* Keys and elements of a big container, told by a sample, never by value. */
enum hl_keys_kind {
    HL_KEYS_MIXED = 0,
    HL_KEYS_INT = 1,
    HL_KEYS_INT_RISING = 2,
    HL_KEYS_STR = 3,
    HL_KEYS_STR_UUID = 4,
    HL_KEYS_STR_DIGITS = 5,
    HL_KEYS_STR_PATH = 6,
    HL_KEYS_TUPLE = 7, /* detail: length */
    HL_KEYS_BYTES = 8,
    HL_KEYS_FLOAT = 9,
    HL_KEYS_OBJECT = 10, /* detail: type index */
};

#endif
