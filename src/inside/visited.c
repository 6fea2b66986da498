/* inside/visited.c: the slow halves of the visited set and of the id lists.
 *
 * Room   inside; the cloned child.
 * Takes  addresses.   Gives  ids (visited.h).
 * Knows  rt.  Must not know  Python. */
#include "inside/visited.h"

#include "rt/rt.h"

#include <string.h>

enum { DIR_FIRST = 1 << 12, PAGES_FIRST = 1 << 10, SEQ_MAX = 1 << 24 };

bool hl_visited_init(hl_visited *v)
{
    *v = (hl_visited){.dir_room = DIR_FIRST, .page_room = PAGES_FIRST, .last_key = UINT64_MAX};
    v->dir = hl_pages_map((size_t)DIR_FIRST * sizeof *v->dir);
    v->pages = hl_pages_map((size_t)PAGES_FIRST * sizeof *v->pages);
    v->done = hl_pages_map((size_t)PAGES_FIRST * sizeof *v->done);
    return v->dir && v->pages && v->done;
}

static bool grow_pages(hl_visited *v)
{
    size_t n = v->page_room;
    hl_visited_page *pages = hl_pages_map(2 * n * sizeof *pages);
    uint64_t(*done)[4] = hl_pages_map(2 * n * sizeof *done);
    if (!pages || !done)
        return false;
    memcpy(pages, v->pages, n * sizeof *pages);
    memcpy(done, v->done, n * sizeof *done);
    hl_pages_unmap(v->pages, n * sizeof *pages);
    hl_pages_unmap(v->done, n * sizeof *done);
    v->pages = pages;
    v->done = done;
    v->page_room *= 2;
    return true;
}

static bool grow_dir(hl_visited *v)
{
    size_t room = 2 * v->dir_room;
    hl_visited_slot *dir = hl_pages_map(room * sizeof *dir);
    if (!dir)
        return false;
    for (size_t i = 0; i < v->dir_room; i++) {
        if (!v->dir[i].key)
            continue;
        size_t h = hl_visited_hash(v->dir[i].key);
        while (dir[h & (room - 1)].key)
            h++;
        dir[h & (room - 1)] = v->dir[i];
    }
    hl_pages_unmap(v->dir, v->dir_room * sizeof *dir);
    v->dir = dir;
    v->dir_room = room;
    return true;
}

uint32_t hl_visited_add(hl_visited *v, uint64_t key)
{
    if (!key || v->n_pages >= SEQ_MAX - 1)
        return UINT32_MAX;
    if (v->n_pages == v->page_room && !grow_pages(v))
        return UINT32_MAX;
    if ((size_t)v->n_pages * 2 >= v->dir_room && !grow_dir(v))
        return UINT32_MAX;
    size_t h = hl_visited_hash(key);
    while (v->dir[h & (v->dir_room - 1)].key)
        h++;
    v->dir[h & (v->dir_room - 1)] = (hl_visited_slot){key, v->n_pages};
    v->pages[v->n_pages].key = key;
    v->last_key = key;
    return v->last_seq = v->n_pages++;
}

bool hl_ids_more(hl_ids *list)
{
    hl_ids_segment *s = list->top ? list->top->next : NULL; /* kept by pop */
    if (!s) {
        s = hl_pages_map(sizeof *s);
        if (!s)
            return false;
        s->prev = list->top;
        if (list->top)
            list->top->next = s;
        else
            list->head = s;
    }
    list->top = s;
    list->used = 0;
    return true;
}

uint32_t hl_ids_pop_across(hl_ids *list)
{
    list->top = list->top->prev;
    list->used = HL_IDS_SEGMENT - 1;
    list->n--;
    return list->top->ids[list->used];
}

uint32_t hl_ids_shift(hl_ids *list)
{
    if (list->taken == HL_IDS_SEGMENT) {
        hl_ids_segment *empty = list->head;
        list->head = empty->next;
        list->head->prev = NULL;
        list->taken = 0;
        hl_pages_unmap(empty, sizeof *empty);
    }
    list->n--;
    return list->head->ids[list->taken++];
}
