/* SPDX-License-Identifier: MIT */
/* After "sqlite:" the path stands as it is, so that any file name can be given; after "sqlite://" it is
 * percent-decoded, as in the original's URLs. A trailing "?mode=…" is an option in both. */
#include "store/sqlite/url.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include <string.h>

int ork_url_mode(const char *mode, uint32_t *flags, bool *memory)
{
    if (strcmp(mode, "ro") == 0)
        *flags = (*flags & ~ORK_OPEN_CREATE) | ORK_OPEN_READ;
    else if (strcmp(mode, "rw") == 0)
        *flags &= ~ORK_OPEN_CREATE;
    else if (strcmp(mode, "rwc") == 0)
        *flags |= *flags & ORK_OPEN_READ ? 0 : ORK_OPEN_CREATE;
    else if (strcmp(mode, "memory") == 0)
        *memory = true;
    else
        return ORK_EINVAL;
    return 0;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ork_url_decode(const char *url, const char *p, size_t n, char **out, ork_err *err)
{
    struct ork_buf b = ORK_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (c == '%') {
            int hi = i + 2 < n ? hex(p[i + 1]) : -1;
            int lo = hi >= 0 ? hex(p[i + 2]) : -1;
            if (lo < 0 || (hi == 0 && lo == 0)) {
                ork_buf_fini(&b);
                return ork_err_set(err, ORK_EINVAL,
                                   "database URL \"%s\": %% must be followed by two hexadecimal digits (%%25 is a %%)",
                                   url);
            }
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        ork_buf_addc(&b, c);
    }
    *out = ork_buf_steal(&b, NULL);
    return 0;
}

int ork_sqlite_url(const char *url, char **path, uint32_t *flags, ork_err *err)
{
    const char *p = url + strlen("sqlite:");
    bool coded = strncmp(p, "//", 2) == 0, memory = false;
    *path = NULL;
    if (coded)
        p += 2;
    size_t n = strlen(p);
    const char *query = strrchr(p, '?');
    if (query && strncmp(query, "?mode=", 6) == 0) {
        if (ork_url_mode(query + 6, flags, &memory))
            return ork_err_set(err, ORK_EINVAL, "database URL \"%s\": mode is ro, rw or rwc, not \"%s\"", url,
                               query + 6);
        n = (size_t)(query - p);
    } else if (query && coded) {
        return ork_err_set(err, ORK_EINVAL, "database URL \"%s\": \"%s\" is no option; there is ?mode=ro|rw|rwc", url,
                           query);
    }
    if (memory || (n == 8 && strncmp(p, ":memory:", 8) == 0))
        return 0;
    if (n == 0)
        return ork_err_set(err, ORK_EINVAL, "database URL \"%s\" names no file; write sqlite:PATH", url);
    if (coded)
        return ork_url_decode(url, p, n, path, err);
    *path = ork_strndup(p, n);
    return 0;
}
