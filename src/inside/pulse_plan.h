/* inside/pulse_plan.h: when the next look is due; plain arithmetic over what the last ones cost.
 *
 * Room   inside; target process, watcher thread; no Python, no system call, so that a test can run
 *        hours of it in a millisecond.
 * Idea   A program of 50 ms gets its handful, a program of a day pays for three dozen: due by
 * growth of resident memory over the highest seen, or by time in geometric steps, both wider as the
 * places are used up, the latter also while nothing grows; and never before the last look has been
 * paid for twentyfold (a big heap's before it is taken), but for a few cheap ones in the first half
 * second, and a few hundredths of a second of them later.
 * Spares Who is young may be over while his first looks are walked. Of one that grows copies are kept
 * unwalked, for the price of a clone each: they are walked if he ends with few looks. */
#ifndef HL_PULSE_PLAN_H
#define HL_PULSE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum { HL_PLAN_DEFAULT_MAX = 40 };

typedef struct hl_plan {
    uint32_t max;         /* snapshots, the last one of all included */
    uint32_t interval_ms; /* 0: by growth and time                   */
    uint32_t taken;
    bool thinned;             /* old looks make place for new ones: there is always one more */
    bool cheap;               /* every pause so far was short       */
    unsigned begins;          /* how often its imports were over: who goes on importing works so */
    bool loads;               /* at the last look it was importing, and seemed to work so */
    uint64_t peeked_ns;       /* when it was asked last whether it imports */
    uint64_t idle_ns;         /* when it was first seen not to since; 0: it does */
    bool unlooked;            /* the work has begun, and no look was taken at it */
    uint32_t at_work;         /* looks since it began */
    uint64_t spare_ns;        /* when a spare was last made, or a look */
    uint64_t spare_bytes;     /* resident then */
    uint64_t spare_free_ns;   /* when the spares are paid for */
    uint64_t armed_ns;        /* CLOCK_MONOTONIC, as all _ns here   */
    uint64_t begun_ns;        /* when its imports were over         */
    uint64_t last_ns;         /* when the last one was taken        */
    uint64_t free_ns;         /* when it is paid for                */
    uint64_t free_growing_ns; /* the same for a look that growth asks for */
    uint64_t spent_ns;        /* cost so far, paid for or not */
    uint64_t credit_ns;       /* cost that need not be paid for     */
    uint64_t walk_credit_ns;  /* the same of the child's work */
    uint64_t growing_credit_ns, growing_walk_credit_ns;
    uint64_t
        high_bytes; /* resident, highest, slowly forgotten; 0: no look in the life that counts */
    uint64_t base_bytes;   /* resident in the first of them */
    bool rose;             /* at the last look it was higher than at any before */
    uint64_t looked_bytes; /* resident when the last copy was made */
    uint64_t rounds;       /* done when the last one was taken    */
    bool lent;             /* what is told next copied no page: the program stood still for it */
    uint64_t walk_ns, walked_bytes;  /* of the last look */
    uint64_t least_walk_ns;          /* of all */
    uint64_t stop_ns, stopped_bytes; /* of the last one that made a copy */
} hl_plan;

void hl_plan_begin(hl_plan *p, uint32_t max, uint32_t interval_ms, uint64_t now_ns);
/* One was taken at at_ns and was over at done_ns. cost_ns: pause, page copies, CPU taken away.
 * walk_ns: CPU of the child. */
void hl_plan_took(hl_plan *p, uint64_t at_ns, uint64_t done_ns, uint64_t rss_bytes,
                  uint64_t pause_ns, uint64_t cost_ns, uint64_t walk_ns);
/* One that counts for nothing but its price. */
void hl_plan_paid_by(hl_plan *p, uint64_t done_ns, uint64_t rss_bytes, uint64_t cost_ns,
                     uint64_t walk_ns);

/* May a look that is due be put off, for what the program does is not yet its work? Then it is due
 * again after a moment. */
bool hl_plan_may_postpone(const hl_plan *p, uint64_t now_ns);
void hl_plan_postpone(hl_plan *p, uint64_t now_ns);
/* Were looks put off, and nothing else seen since, or looks taken at imports? When they are over the
 * work begins: no look is spent on that, the next one (`unlooked`) comes when memory has grown since, or in time. */
/* It imports no longer, or is between two of many: to be asked once more, soon. */
bool hl_plan_may_have_loaded(const hl_plan *p, uint64_t now_ns);
bool hl_plan_begins(const hl_plan *p, uint64_t now_ns);
void hl_plan_begin_work(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes);
/* A look was taken while it imports: one who loads his many parts that way is no other than one who
 * works by importing, until it ends. When he is to be asked next whether he still does; UINT64_MAX:
 * not. */
void hl_plan_loads(hl_plan *p, bool loads);
uint64_t hl_plan_peek_at(const hl_plan *p);
void hl_plan_peeked(hl_plan *p, uint64_t now_ns, bool imports);
/* Is a copy to be made that may never be walked? */
bool hl_plan_wants_spare(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes);
bool hl_plan_may_want_spare(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes); /* some time */
/* One was made, for so much CPU time; 0: not, for it imports. */
void hl_plan_spared(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes, uint64_t cost_ns);
/* A look begins: nothing made so shortly before or after it says more. The moment from which on. */
uint64_t hl_plan_looks(hl_plan *p, uint64_t now_ns, uint64_t rss_bytes);
/* How many of the spares are worth a walk now that it ends. */
unsigned hl_plan_lacks(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes);
/* Of spares, only one that was made after the last look is. */
bool hl_plan_has_enough(const hl_plan *p);
/* Nobody imports, but between two imports nobody does either: it is to be asked once more. */
bool hl_plan_seems_to_begin(const hl_plan *p);
/* Is the last look one at what imports brought, for hardly anything came after them? */
bool hl_plan_ends_at_once(const hl_plan *p, uint64_t rss_bytes);

/* The beginning, when short programs need their looks and long ones do not notice. */
bool hl_plan_in_grace(const hl_plan *p, uint64_t now_ns);
bool hl_plan_spent(const hl_plan *p); /* only the place of the last one is left */
/* Is the program better off to stand still and lend its memory to the walk, than to have a copy made
 * of it and pay for each page it writes to afterwards? */
bool hl_plan_lends(const hl_plan *p, uint64_t rss_bytes);
/* rss_bytes: as it is now. */
uint64_t hl_plan_not_before(const hl_plan *p, uint64_t rss_bytes);
uint64_t hl_plan_due_at(const hl_plan *p, uint64_t rss_bytes); /* by time */
uint64_t hl_plan_due_bytes(const hl_plan *p);                  /* by growth; UINT64_MAX: never */
/* By rounds: one more, then in geometric steps, as by time. UINT64_MAX: never. */
uint64_t hl_plan_due_round(const hl_plan *p);
/* How long a look that is due may wait for the end of a round, so that it falls between two. */
uint64_t hl_plan_round_patience(const hl_plan *p, uint64_t now_ns, uint64_t rounds);
/* Small enough that a round may wait for the look before to end: quick rounds would be over. */
bool hl_plan_early(const hl_plan *p);
/* When to ask again, if nothing is due now. still: so many times the resident size was what it had
 * been the time before. */
uint64_t hl_plan_next_poll(const hl_plan *p, uint64_t now_ns, uint64_t rss_bytes, uint32_t still);

#endif
