/* base/err.h: a failure carries a sentence and never allocates.
 *
 * Room   base; any process.
 * A failure is born in hl_err_set only; whoever passes it on may put context in front of it with
 * hl_err_note. Both return the status, so that `return hl_err_set(...)` reads as one thought. */
#ifndef HL_ERR_H
#define HL_ERR_H

typedef enum hl_status {
    HL_OK = 0,
    HL_USAGE,       /* the caller's words are off                             */
    HL_IO,          /* the system refused: errno's text is in the sentence     */
    HL_NOT_FOUND,   /* no such file, target, name                              */
    HL_PERMISSION,  /* not allowed                                             */
    HL_NO_SPACE,    /* the disk is full                                        */
    HL_EMPTY,       /* nothing in there to examine                             */
    HL_TRUNCATED,   /* ends before it is whole                                 */
    HL_CORRUPT,     /* bytes that contradict themselves                        */
    HL_FOREIGN,     /* not one of our files                                    */
    HL_NEWER,       /* one of ours, from a later heaplens                      */
    HL_NO_MEMORY,   /* this process cannot get the memory                      */
    HL_UNSUPPORTED, /* understood, and not possible here                       */
} hl_status;

enum { HL_ERR_TEXT = 512 };

typedef struct hl_err {
    hl_status status;
    char text[HL_ERR_TEXT]; /* one sentence: what failed, where, what to try; cut if longer */
} hl_err;

#define HL_MUST_CHECK   __attribute__((warn_unused_result))
#define HL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HL_CLEANUP(fn)  __attribute__((cleanup(fn)))

/* Fills *err and returns status (never HL_OK). */
hl_status hl_err_set(hl_err *err, hl_status status, const char *format, ...) HL_PRINTF(3, 4);
/* As hl_err_set, the status chosen from an errno value, its text appended to the sentence. */
hl_status hl_err_errno(hl_err *err, int errnum, const char *format, ...) HL_PRINTF(3, 4);
/* Puts "format: " in front of the sentence already there; returns its status. */
hl_status hl_err_note(hl_err *err, const char *format, ...) HL_PRINTF(2, 3);

#endif
