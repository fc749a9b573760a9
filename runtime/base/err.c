/* SPDX-License-Identifier: MIT */
/* Errors are values: a code from the table ORK_ERRORS and a text for a person, kept in the caller's struct, so that
 * failing never allocates. Texts are formatted aside first: arguments may point into the very message that is replaced.
 */
#include "base/err.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    int code;
    const char *symbol, *text;
    int exit_code;
};
static const struct row rows[] = {
#define X(name, value, symbol, text, exit_code, http, retryable) {name, symbol, text, exit_code},
    ORK_ERRORS(X)
#undef X
};

static const struct row *find(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *ork_err_symbol(int code)
{
    const struct row *r = find(code);
    return r ? r->symbol : "EUNKNOWN";
}

const char *ork_err_text(int code)
{
    const struct row *r = find(code);
    return r ? r->text : "unknown error";
}

int ork_err_exit_code(int code)
{
    const struct row *r = find(code);
    if (r)
        return r->exit_code;
    return code == 0 ? 0 : 3;
}

/* `written` is what snprintf wanted to write. A cut text ends in "…" after a whole UTF-8 sequence. */
static void store(ork_err *err, char *text, int written)
{
    static const char dots[] = "\xe2\x80\xa6";
    if (written < 0)
        text[0] = '\0';
    if (written >= (int)sizeof err->msg) {
        size_t at = sizeof err->msg - sizeof dots;
        while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
            at--;
        memcpy(text + at, dots, sizeof dots);
    }
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    memcpy(err->msg, text, n);
    err->msg[n] = '\0';
}

int ork_err_set(ork_err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err->code = code;
    store(err, text, n);
    return code;
}

/* "prefix: rest" */
static void prefixed(ork_err *err, const char *rest, const char *fmt, va_list ap) ORK_PRINTF(3, 0);
static void prefixed(ork_err *err, const char *rest, const char *fmt, va_list ap)
{
    char text[sizeof err->msg];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0) {
        n = 0;
        text[0] = '\0';
    }
    if (n < (int)sizeof text) {
        int m = snprintf(text + n, sizeof text - (size_t)n, ": %s", rest);
        n += m < 0 ? 0 : m;
    }
    store(err, text, n);
}

int ork_err_wrap(ork_err *err, const char *fmt, ...)
{
    if (!err)
        return ORK_EIO;
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    prefixed(err, old, fmt, ap);
    va_end(ap);
    return err->code;
}

static int code_of_errno(int errnum)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
        return ORK_EACCESS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* RLIMIT_FSIZE is a small disk */
        return ORK_ENOSPC;
    case EROFS:
        return ORK_EREADONLY;
    case ENOENT:
        return ORK_ENOTFOUND;
    default:
        return ORK_EIO;
    }
}

int ork_err_errno(ork_err *err, int errnum, const char *fmt, ...)
{
    int code = code_of_errno(errnum);
    if (!err)
        return code;
    char reason[128];
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    prefixed(err, strerror_r(errnum, reason, sizeof reason), fmt, ap);
    va_end(ap);
    return code;
}
