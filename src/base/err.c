/* base/err.c: sentences for failures, in the caller's own storage.
 *
 * Room   base; any process (snprintf of plain strings and integers only). */
#define _GNU_SOURCE
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

hl_status hl_err_set(hl_err *err, hl_status status, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    return err->status = status;
}

static hl_status status_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ESRCH:
        return HL_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return HL_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return HL_NO_SPACE;
    case ENOMEM:
        return HL_NO_MEMORY;
    default:
        return HL_IO;
    }
}

hl_status hl_err_errno(hl_err *err, int errnum, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text) {
        char buf[128];
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s",
                 strerror_r(errnum, buf, sizeof buf));
    }
    return err->status = status_of(errnum);
}

hl_status hl_err_note(hl_err *err, const char *format, ...)
{
    char was[HL_ERR_TEXT];
    memcpy(was, err->text, sizeof was);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", was);
    return err->status;
}
