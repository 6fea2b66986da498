/* bench/floor.c: what a heap graph costs at the very least, in plain C.
 *
 * An extension for bench/ only. No labels, no sizes of buffers, no roots, no file: the collector's
 * objects are closed over with tp_traverse through a hash table of addresses into a CSR graph
 * (graph), on which immediate dominators and retained sizes are computed (dominators). heaplens is
 * held against these numbers. pause() times a bare clone of this process. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NONE = 0 }; /* node 0 is the virtual root */

static struct {
    uintptr_t *keys; /* hash slots: address of the object */
    uint32_t *ids;   /* and its node */
    size_t slots, used;
    PyObject **objects; /* node -> object, borrowed */
    size_t nodes, nodes_room;
    uint32_t *targets;
    size_t edges, edges_room;
    uint32_t *first; /* nodes + 1: where a node's edges begin */
    size_t first_room;
    uint64_t *sizes; /* bytes of a node, taken while it surely lives */
    size_t sizes_room;
    int failed;
} graph;

static void forget(void)
{
    free(graph.keys);
    free(graph.ids);
    free(graph.objects);
    free(graph.targets);
    free(graph.first);
    free(graph.sizes);
    memset(&graph, 0, sizeof graph);
}

/* Doubles an array when it is full. */
static void *room_for(void *array, size_t used, size_t *room, size_t size)
{
    if (used < *room)
        return array;
    size_t more = *room ? *room * 2 : 1 << 20;
    void *bigger = realloc(array, more * size);
    if (!bigger) {
        graph.failed = 1;
        return array;
    }
    *room = more;
    return bigger;
}

static size_t slot_of(uintptr_t key)
{
    size_t mask = graph.slots - 1;
    size_t at = (size_t)((key >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 24) & mask;
    while (graph.keys[at] && graph.keys[at] != key)
        at = (at + 1) & mask;
    return at;
}

static int widen(void)
{
    uintptr_t *keys = graph.keys;
    uint32_t *ids = graph.ids;
    size_t slots = graph.slots, wider = slots ? slots * 2 : 1 << 21;
    graph.keys = calloc(wider, sizeof *graph.keys);
    graph.ids = malloc(wider * sizeof *graph.ids);
    if (!graph.keys || !graph.ids) {
        free(keys);
        free(ids);
        graph.failed = 1;
        return -1;
    }
    graph.slots = wider;
    for (size_t i = 0; i < slots; i++) {
        if (!keys[i])
            continue;
        size_t at = slot_of(keys[i]);
        graph.keys[at] = keys[i];
        graph.ids[at] = ids[i];
    }
    free(keys);
    free(ids);
    return 0;
}

static uint32_t node_of(PyObject *o)
{
    if (graph.used * 2 >= graph.slots && widen())
        return NONE;
    size_t at = slot_of((uintptr_t)o);
    if (graph.keys[at])
        return graph.ids[at];
    graph.objects = room_for(graph.objects, graph.nodes, &graph.nodes_room, sizeof *graph.objects);
    if (graph.failed)
        return NONE;
    graph.keys[at] = (uintptr_t)o;
    graph.ids[at] = (uint32_t)graph.nodes;
    graph.used++;
    graph.objects[graph.nodes] = o;
    return (uint32_t)graph.nodes++;
}

static int add_edge(PyObject *o, void *unused)
{
    (void)unused;
    graph.targets = room_for(graph.targets, graph.edges, &graph.edges_room, sizeof *graph.targets);
    uint32_t node = node_of(o);
    if (graph.failed)
        return -1;
    graph.targets[graph.edges++] = node;
    return 0;
}

static uint64_t size_of(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    uint64_t bytes = (uint64_t)type->tp_basicsize;
    if (PyList_CheckExact(o))
        bytes += sizeof(PyObject *) * (uint64_t)((PyListObject *)o)->allocated;
    else if (PyTuple_Check(o) || PyBytes_Check(o))
        bytes += (uint64_t)type->tp_itemsize * (uint64_t)Py_SIZE(o);
    else if (PyUnicode_Check(o))
        bytes += (uint64_t)((PyASCIIObject *)o)->length;
    else if (PyDict_CheckExact(o))
        bytes += 40 * (uint64_t)PyDict_GET_SIZE(o);
    return bytes + (PyType_IS_GC(type) ? 16 : 0);
}

/* graph(objects) -> (nodes, edges) */
static PyObject *floor_graph(PyObject *module, PyObject *objects)
{
    (void)module;
    if (!PyList_Check(objects))
        return PyErr_Format(PyExc_TypeError, "a list is wanted");
    forget();
    node_of((PyObject *)&graph); /* the virtual root takes node 0 */
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects); i++) {
        if (PyList_GET_ITEM(objects, i) != objects)
            node_of(PyList_GET_ITEM(objects, i));
    }
    for (size_t v = 0; v < graph.nodes && !graph.failed; v++) { /* nodes grow on the way */
        graph.first = room_for(graph.first, v + 1, &graph.first_room, sizeof *graph.first);
        graph.sizes = room_for(graph.sizes, v, &graph.sizes_room, sizeof *graph.sizes);
        if (graph.failed)
            break;
        graph.first[v] = (uint32_t)graph.edges;
        PyObject *o = graph.objects[v];
        graph.sizes[v] = v ? size_of(o) : 0;
        if (v && o != objects && PyObject_IS_GC(o) && Py_TYPE(o)->tp_traverse)
            Py_TYPE(o)->tp_traverse(o, add_edge, NULL);
    }
    graph.first = room_for(graph.first, graph.nodes + 1, &graph.first_room, sizeof *graph.first);
    if (graph.failed) {
        forget();
        return PyErr_NoMemory();
    }
    graph.first[graph.nodes] = (uint32_t)graph.edges;
    return Py_BuildValue("nn", (Py_ssize_t)graph.nodes, (Py_ssize_t)graph.edges);
}

typedef struct search { /* arrays by depth-first number, 1 the virtual root */
    uint32_t *number;   /* node -> number, 0: not reached */
    uint32_t *node, *parent, *semi, *best, *jump, *dominator;
    uint32_t *next;           /* node -> next edge to follow */
    uint32_t *back, *back_at; /* reversed edges: sources, and where a node's begin */
    uint32_t *stack;
    uint32_t count;
} search;

static void go_down(search *s, uint32_t root)
{
    size_t depth = 0;
    s->number[root] = ++s->count;
    s->node[s->count] = root;
    s->parent[s->count] = 1;
    s->next[root] = graph.first[root];
    s->stack[depth++] = root;
    while (depth) {
        uint32_t v = s->stack[depth - 1];
        if (s->next[v] == graph.first[v + 1]) {
            depth--;
            continue;
        }
        uint32_t w = graph.targets[s->next[v]++];
        if (s->number[w])
            continue;
        s->number[w] = ++s->count;
        s->node[s->count] = w;
        s->parent[s->count] = s->number[v];
        s->next[w] = graph.first[w];
        s->stack[depth++] = w;
    }
}

/* The number with the least semi on the linked path above v, which is shortened on the way. */
static uint32_t best_above(search *s, uint32_t v)
{
    if (!s->jump[v])
        return v;
    size_t depth = 0;
    uint32_t at = v;
    while (s->jump[s->jump[at]]) {
        s->stack[depth++] = at;
        at = s->jump[at];
    }
    while (depth) {
        uint32_t x = s->stack[--depth], up = s->jump[x];
        if (s->semi[s->best[up]] < s->semi[s->best[x]])
            s->best[x] = s->best[up];
        s->jump[x] = s->jump[up];
    }
    return s->best[v];
}

static void reverse_edges(search *s)
{
    for (size_t e = 0; e < graph.edges; e++)
        s->back_at[graph.targets[e] + 2]++;
    for (size_t v = 0; v < graph.nodes; v++)
        s->back_at[v + 2] += s->back_at[v + 1];
    for (uint32_t v = 0; v < graph.nodes; v++) {
        for (uint32_t e = graph.first[v]; e < graph.first[v + 1]; e++)
            s->back[s->back_at[graph.targets[e] + 1]++] = v;
    }
}

/* Semi-NCA: semidominators from the deepest number up, then the nearest common ancestor. */
static void find_dominators(search *s)
{
    for (uint32_t i = 1; i <= s->count; i++)
        s->semi[i] = s->best[i] = i;
    for (uint32_t i = s->count; i > 1; i--) {
        uint32_t w = s->node[i], least = s->parent[i];
        for (uint32_t e = s->back_at[w]; e < s->back_at[w + 1]; e++) {
            uint32_t from = s->number[s->back[e]];
            if (!from)
                continue;
            uint32_t semi = s->semi[best_above(s, from)];
            if (semi < least)
                least = semi;
        }
        s->semi[i] = least;
        s->jump[i] = s->parent[i];
    }
    s->dominator[1] = 1;
    for (uint32_t i = 2; i <= s->count; i++) {
        uint32_t d = s->parent[i];
        while (d > s->semi[i])
            d = s->dominator[d];
        s->dominator[i] = d;
    }
}

/* dominators() -> (reached, bytes of all): on the graph made last */
static PyObject *floor_dominators(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    size_t n = graph.nodes + 2;
    uint32_t *arrays = calloc(n * 10, sizeof *arrays);
    search s = {.back = malloc((graph.edges + 1) * sizeof *s.back)};
    uint64_t *retained = calloc(n, sizeof *retained);
    if (!arrays || !s.back || !retained || !graph.nodes) {
        free(arrays);
        free(s.back);
        free(retained);
        return PyErr_Format(PyExc_RuntimeError, "no graph, or no memory");
    }
    uint32_t **parts[] = {&s.number, &s.node, &s.parent,    &s.semi,    &s.best,
                          &s.jump,   &s.next, &s.dominator, &s.back_at, &s.stack};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *parts[i] = arrays + i * n;
    reverse_edges(&s);
    s.number[0] = s.count = 1;
    for (int unheld = 1; unheld >= 0; unheld--) { /* what nothing points to first, then the rest */
        for (uint32_t v = 1; v < graph.nodes; v++) {
            if (!s.number[v] && (!unheld || s.back_at[v] == s.back_at[v + 1]))
                go_down(&s, v);
        }
    }
    find_dominators(&s);
    for (uint32_t i = s.count; i > 1; i--) {
        retained[i] += graph.sizes[s.node[i]];
        retained[s.dominator[i]] += retained[i];
    }
    PyObject *answer = Py_BuildValue("IK", s.count, (unsigned long long)retained[1]);
    free(arrays);
    free(s.back);
    free(retained);
    return answer;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* pause() -> nanoseconds a bare clone of this process holds it up */
static PyObject *floor_pause(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    int64_t began = now_ns();
    long pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    int64_t took = now_ns() - began;
    if (pid < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    waitpid((pid_t)pid, NULL, __WCLONE);
    return PyLong_FromLongLong(took);
}

static PyMethodDef methods[] = {
    {"graph", floor_graph, METH_O, "graph(objects) -> (nodes, edges)"},
    {"dominators", floor_dominators, METH_NOARGS, "dominators() -> (reached, bytes)"},
    {"pause", floor_pause, METH_NOARGS, "pause() -> nanoseconds"},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "floor", .m_size = -1,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit_floor(void);
PyMODINIT_FUNC PyInit_floor(void)
{
    return PyModule_Create(&module);
}
