/* inside/layout_private.h: the rows of layout_private.def for the version this is built for.
 *
 * HL_AT(struct, field) is the field's offset; a row that says NO does not compile when used. */
#ifndef HL_LAYOUT_PRIVATE_H
#define HL_LAYOUT_PRIVATE_H

#include "inside/inside_abi.h"

#define NO -1
enum hl_private_layout {
#if HL_PY_AT_LEAST(15)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v15),
#elif HL_PY_AT_LEAST(14)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v14),
#elif HL_PY_AT_LEAST(13)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v13),
#elif HL_PY_AT_LEAST(12)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v12),
#elif HL_PY_AT_LEAST(11)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v11),
#elif HL_PY_AT_LEAST(10)
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v10),
#else
#define F(s, f, v9, v10, v11, v12, v13, v14, v15) HL_AT_##s##_##f = (v9),
#endif
#include "inside/layout_private.def"
#undef F
};
#undef NO

#define HL_AT(s, f)            HL_AT_##s##_##f
#define HL_PEEK(o, type, s, f) (*(type const *)((const char *)(o) + HL_AT(s, f)))

#endif
