/* snapshot/snap_dsl.h: heaps drawn as text, for the tests of every room.
 *
 * Room   snapshot; tests only (static library hl_snap_dsl); takes its memory from malloc.
 * The text is written out by the real writer and comes back through the real reader, so that what
 * a test sees is what a user's file would give.
 *
 *     hl_snap *s = hl_dsl_snap("root module __main__ m\n"
 *                              "m:module -__dict__-> d:dict -key:cache-> c:dict len=3\n"
 *                              "c -value:int-> b:bytearray*3 size=10000\n");
 *     hl_node c = hl_dsl_node(s, "c"), b1 = hl_dsl_node(s, "b[1]");
 *
 * Lines. Words are split at spaces and tabs; "..." keeps spaces together; # starts a comment.
 *
 *   NODE [ATTR]... [-LABEL-> NODE [ATTR]...]...   nodes, edges, and what each node is like
 *   chain LABEL NODE                    edges NODE[0] -> NODE[1] -> ... of one group
 *   root KIND NAME NODE [line=N] [thread=N] [progress=N]
 *             KIND: module type frame thread interp garbage; a thread's frames innermost first
 *   type NAME [gc] [nogc] [heap] [finalizer] [notraverse] [exception] [basicsize=N] [node=NODE]
 *   code NODE [name=] [qualname=] [file=] [line=] [args=] [kwonly=] [vars=a,b] [free=a,b]
 *             [idle]     it never ran
 *             [uses=SCOPE:NAME:BIT+BIT,...]     SCOPE: global attr free local
 *                                               BIT: test get store add remove len rebind iter
 *   thread index=N [name=] [ident=N] [native=N] [node=NODE] [daemon] [main]
 *   dup TYPE [len=N] [size=N] [copies=N] [seen=N] [at=NODE:LABEL,...]     equal leaves
 *   site STACK [live=BLOCKS:BYTES] [all=] [brief=] [peak=] [error=BYTES] [thread=N]
 *        [domain=raw|mem|obj|native] [age=BORN:BLOCKS:BYTES,...] [within=WINDOW:BLOCKS:BYTES,...]
 *                                                                     what a stack asked for
 *   native FRAME|FRAME|... [live=BLOCKS:BYTES] [taken=N]    blocks of malloc, outermost frame first:
 *        PATH[:BUILDID]+OFFSET, and before those the Python STACK that called, or "-"
 *        [lost=TYPE|-:BLOCKS:BYTES] [data=PATH[:BUILDID]+ADDRESS,BLOCKS:BYTES] [objects=TYPE:BLOCKS:BYTES]
 *        [stacks=BLOCKS:BYTES] [others=BLOCKS:BYTES]         what nothing leads to, and what holds the rest
 *   lostsite STACK|- TYPE|- BLOCKS:BYTES                        small blocks that nothing leads to
 *   heldby NODE data=PATH[:BUILDID]+ADDRESS                   a library's variable that leads to it; to the next of its
 *        group the next word
 *   nobodys NODE                                            nothing leads to it
 *   run [pid=] [parent=] [first=] [python=] [program=] [started=UNIX-S] [exit=N] [seconds=S]
 *   snap [time=S] [cpu=S] [rss=N] [reason=] [gc=on|off] [threshold0=N] [collections=A,B,C]
 *        [shared=N] [heap=N] [heapfree=N] [mapped=N] [stacks=N] [written=N] [swap=N] [arenas=N]
 *        [room=N] [resident=N] [pools=N] [used=N] [image=0x] [imagesize=N] [ours=N]     enum hl_memory
 *        [blocks=N] [malloc=N] [fds=N] [tasks=N] [maps=N]      enum hl_resource: an audit
 *        [nonerefs=N noneedges=N] [partly=N] [sorted=N]
 *        [leaves=N] [leavesseen=N] [dups=N] [dupbytes=N]
 *        [running] [unsettled] [pause=S] [skipped=N] [folded=N] [pid=] [python=] [program=]
 *        [rounds=N] [track=exact|sampled] [rate=N] [dropped=N] [peak=N] [taken=N]
 *        [threads=1] [within=N] [native=1|2] [nativerate=N] [nativedropped=N] [mark=1]
 *
 * NODE   NAME[:TYPE][*COUNT]. The first mention declares it; TYPE is object if never said. With
 *        *COUNT (0 is fine) it is a group; NAME[i] is one member of it. An edge between groups of
 *        the same size joins member i with member i; else every source with every target.
 *        A node keeps its address from snapshot to snapshot of one text (members 64 bytes apart).
 * LABEL  word           HL_LABEL_NAMED, unless it is one of the words below
 *        named:W attr:W .W slot:W key:W local:W
 *        value:TYPE dictkey index index:N [] [N] element cell stack weak class base unowned
 *        internal internal:N                                (index:N is value N + 1 in the file)
 * ATTR   size=N (64)  len=N  cap=N  bound=N (a declared bound)  ext=N   N may end in K, M, G
 *        ref=N (exactly)  ref=+N ref=-N (against the counted in-edges)  immortal
 *        tracked untracked (default: as the type)  gen0 gen1 frozen static opaque
 *        fold=TYPE*COUNT:BYTES[,...]     leaves counted in this node; BYTES of all together
 *        keys=mixed|int|int-rising|str|uuid|digits|path|tuple:N|bytes|float|object:TYPE
 *        number=NAME:DIGITS     an attribute that is a whole number of so many binary digits
 *        at=0xADDRESS
 *        by=STACK      made by it
 *        sampled=N     a sample of it stands for N bytes
 * STACK  FUNCTION@FILE:LINE>FUNCTION@FILE:LINE..., outermost first
 *        The refcount is the number of counted in-edges unless said, and 1 where there are none: a
 *        live object has at least that.
 * Types are collected (gc) unless they are int float complex str bytes bytearray bool NoneType or
 * say nogc; dict, list, tuple and type carry their flags.
 *
 * Snapshots. A text without snap lines is one snapshot at time 0. Otherwise the lines before the
 * first snap line belong to every snapshot, those after a snap line to that one. {a|b|c} anywhere
 * in a line becomes a in the first snapshot, b in the second, and so on; the last one repeats:
 *
 *     c:dict len={0|10|20}
 *     c -value:int-> b:bytearray*{0|10|20}
 *     snap time=0
 *     snap time=1
 *     snap time=2 */
#ifndef HL_SNAP_DSL_H
#define HL_SNAP_DSL_H

#include "base/err.h"
#include "snapshot/snapshot.h"

#include <stddef.h>
#include <stdint.h>

/* The .hlens file the text means. *out is malloc's, the caller's. HL_USAGE with the line for a
 * text that is no sense. */
hl_status hl_dsl_bytes(const char *text, uint8_t **out, size_t *n, hl_err *err) HL_MUST_CHECK;
/* The same into a new file. */
hl_status hl_dsl_file(const char *text, const char *path, hl_err *err) HL_MUST_CHECK;

/* The rest is for tests: they print the sentence and abort where something fails. */
hl_run *hl_dsl_run(const char *text);
/* The last snapshot of the text, loaded and checked. */
hl_snap *hl_dsl_snap(const char *text);
/* The node called `name` in the text ("c", "b[1]", not one with at=); aborts if the snapshot has
 * no such node. A node's address is made of its name, so that any snapshot may be asked. */
hl_node hl_dsl_node(const hl_snap *s, const char *name);

#endif
