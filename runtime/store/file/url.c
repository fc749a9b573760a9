/* SPDX-License-Identifier: MIT */
/* file:DIR · file:///DIR: after "file:" the path stands as it is, after "file://" it is percent-decoded and
 * absolute, because what stands there otherwise is a host. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/file/file.h"
#include "store/sqlite/url.h"
#include <string.h>

int ork_file_url(const char *url, char **dir, uint32_t *flags, ork_err *err)
{
    const char *p = url + strlen("file:");
    bool coded = strncmp(p, "//", 2) == 0, memory = false;
    *dir = NULL;
    if (coded)
        p += 2;
    size_t n = strlen(p);
    const char *query = strrchr(p, '?');
    if (query && strncmp(query, "?mode=", 6) == 0) {
        if (ork_url_mode(query + 6, flags, &memory) || memory)
            return ork_err_set(err, ORK_EINVAL, "database URL \"%s\": mode is ro, rw or rwc, not \"%s\"", url,
                               query + 6);
        n = (size_t)(query - p);
    } else if (query && coded) {
        return ork_err_set(err, ORK_EINVAL, "database URL \"%s\": \"%s\" is no option; there is ?mode=ro|rw|rwc", url,
                           query);
    }
    if (coded && strncmp(p, "localhost/", 10) == 0) {
        p += 9;
        n -= 9;
    }
    if (n == 0)
        return ork_err_set(err, ORK_EINVAL, "database URL \"%s\" names no folder; write file:DIR", url);
    if (coded && p[0] != '/')
        return ork_err_set(
            err, ORK_EINVAL,
            "database URL \"%s\" names a host; write file:DIR for a folder from here, file:///DIR for one "
            "from the root",
            url);
    if (coded)
        return ork_url_decode(url, p, n, dir, err);
    *dir = ork_strndup(p, n);
    return 0;
}
