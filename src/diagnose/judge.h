/* diagnose/judge.h: how sure a growth makes us, and the words all growth rules share.
 *
 * Room   diagnose, its own files only. */
#ifndef HL_JUDGE_H
#define HL_JUDGE_H

#include "base/words.h"
#include "diagnose/case.h"

/* The later half gained less than half of what the first did; next to nothing. */
bool hl_growth_slows(const hl_growth *g);
bool hl_growth_rests(const hl_growth *g);
/* False: no word about it (bounded, or released by the function that filled it); else how sure the
 * growth alone makes us, structure aside. Notes what it dismisses if that is big. */
bool hl_judge(hl_case *c, const hl_suspect *s, const hl_uses *u, hl_filled filled,
              hl_confidence *out);
/* Does it slow down: of what each entry makes dearer, by the squares? */
bool hl_judge_slows(const hl_case *c, const hl_suspect *s, const hl_uses *u);
/* judge_words.c. "13.2 MB", or "8.1 MB, 186 KB of it alone" where others hold most of it, too. */
const char *hl_judge_holds(hl_case *c, const hl_suspect *s);
/* "entries", "objects" or "bytes": what a growth counts. */
const char *hl_growth_unit(const hl_case *c, const hl_growth *g, hl_node holder);
/* "__main__.cache (dict) gained 10,000 entries and evicts none; it holds 98.4 MB" */
const char *hl_judge_title(hl_case *c, const hl_suspect *s, const char *and);
/* The fix, or what is nearer: its code minds a limit that is switched off. */
const char *hl_judge_fix(hl_case *c, const hl_uses *u, const char *fix);
/* "loses fewer" than it gained; where none was ever seen to go: "never shrank" */
const char *hl_judge_loses(const hl_suspect *s);
void hl_judge_evidence(hl_case *c, hl_finding *f, const hl_suspect *s, const hl_uses *u,
                       hl_filled filled);

/* The holder is a register of a library that lets nothing go (known.def). */
bool hl_judge_known_to_keep(const hl_case *c, const hl_suspect *s);

#endif
