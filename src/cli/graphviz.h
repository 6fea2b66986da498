/* cli/graphviz.h: a picture out of the text of a graph, by Graphviz's `dot`.
 *
 * Room   cli. */
#ifndef HL_GRAPHVIZ_H
#define HL_GRAPHVIZ_H

#include "report/writer.h"

#include "base/err.h"

/* format: "svg" or "png". HL_IO, with what to install, where there is no `dot` on PATH; with its own
 * words where it fails. */
hl_status hl_graphviz_draw(const hl_out *text, const char *format, hl_out *out,
                           hl_err *err) HL_MUST_CHECK;

#endif
