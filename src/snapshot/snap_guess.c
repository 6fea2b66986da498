/* snapshot/snap_guess.c: which references of opaque objects are theirs, and which they borrow.
 *
 * Room   snapshot; analyser process; the last step of loading.
 * Takes  a snapshot whose columns are read.   Gives  its labels: a guess that is none becomes WEAK.
 * Method An object whose type reports no references is written with each word of its body that is
 *        an object's address (INTERNAL). It owns that object only if the count of the other end is
 *        not made up by all the references that are sure. */
#include "snapshot/snap_load.h"

#include <stdlib.h>

static bool is_guess(const hl_snap *s, hl_node v, uint32_t e)
{
    return (s->flag[v] & HL_NODE_OPAQUE) && hl_label_kind(s->label[e]) == HL_LABEL_INTERNAL;
}

hl_status hl_snap_settle_guesses(hl_snap *s, hl_err *err)
{
    bool any = false;
    for (hl_node v = 0; v < s->nodes && !any; v++)
        for (uint32_t e = s->off[v]; (s->flag[v] & HL_NODE_OPAQUE) && e < s->off[v + 1]; e++)
            any |= is_guess(s, v, e);
    if (!any)
        return HL_OK;
    uint32_t *missing = malloc((size_t)s->nodes * sizeof *missing);
    if (!missing)
        return hl_err_set(err, HL_NO_MEMORY, "no memory to weigh references");
    for (hl_node v = 0; v < s->nodes; v++)
        missing[v] = hl_snap_refcnt(s, v);
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            enum hl_label_kind kind = hl_label_kind(s->label[e]);
            bool counted = kind != HL_LABEL_WEAK && kind != HL_LABEL_UNOWNED && !is_guess(s, v, e);
            missing[s->dst[e]] -= counted && missing[s->dst[e]];
        }
    for (hl_node v = 0; v < s->nodes; v++)
        for (uint32_t e = s->off[v]; e < s->off[v + 1]; e++) {
            if (!is_guess(s, v, e))
                continue;
            hl_node to = s->dst[e];
            if (missing[to])
                missing[to]--;
            else if (!(s->flag[to] & HL_NODE_IMMORTAL))
                s->label[e] = hl_label_make(HL_LABEL_WEAK, 0);
        }
    free(missing);
    return HL_OK;
}
