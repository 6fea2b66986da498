/* inside/rounds.c: units of work the program says are done.
 *
 * Room   inside; target with the GIL, which guards everything here.
 * Takes  heaplens.mark(), and returns of the function --rounds names (round_of.c).
 * Gives  counts: in the page of `heaplens run`, in every watched block (watch.c); and the moment
 *        between two rounds when a look is due.
 * Cost   while nobody watches, two loads. The page is found through the preload library, which any
 *        copy of the core sees: the program imports another one than `run` armed, mostly.
 * Forked children count nothing, for the page is shared with the parent, unless they are followed
 * and have one of their own: the copy that was armed is told of it, another asks at the first mark.
 */
#include "inside/rounds.h"

#include <dlfcn.h>
#include <pthread.h>

static struct {
    hl_page *page; /* NULL: no `heaplens run` */
    void (*look)(void);
    bool forks_seen_to;
    bool asks_anew; /* in a forked child of a process that was watched */
} rounds;

static void in_forked_child(void)
{
    rounds.asks_anew = rounds.page != NULL;
    rounds.page = NULL;
    hl_watches_forget();
}

static void see_to_forks(void)
{
    if (!rounds.forks_seen_to)
        rounds.forks_seen_to = pthread_atfork(NULL, NULL, in_forked_child) == 0;
}

void hl_rounds_attach(hl_page *page, void (*look)(void))
{
    see_to_forks();
    rounds.look = look;
    rounds.page = page;
}

void hl_rounds_find(void)
{
    hl_page *(*watched)(void) = (hl_page * (*)(void)) dlsym(RTLD_DEFAULT, "hl_preload_page");
    void (*look)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "hl_preload_look");
    see_to_forks();
    hl_page *page = watched && look ? watched() : NULL;
    if (page && page->version == HL_PAGE_VERSION && !rounds.page)
        hl_rounds_attach(page, look);
}

void hl_rounds_done(void)
{
    if (__builtin_expect(rounds.asks_anew, false)) {
        rounds.asks_anew = false;
        hl_rounds_find();
    }
    hl_page *page = rounds.page;
    if (page && ++page->rounds >= page->due_round)
        rounds.look();
    hl_watches_round();
}
