/* SPDX-License-Identifier: MIT */
/* A URL as it may be shown. What is taken out is wider than what a server would take for the password: an unescaped @
 * within one is no reason to show the rest of it. */
#include "base/alloc.h"
#include "base/buf.h"
#include "store/store.h"
#include <string.h>

static bool is_secret(const char *param, size_t n)
{
    static const char *const secrets[] = {"password=", "sslpassword=", "passfile=", "sslkey="};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (n >= strlen(secrets[i]) && strncmp(param, secrets[i], strlen(secrets[i])) == 0)
            return true;
    return false;
}

static void add_query(struct ork_buf *b, const char *query)
{
    char sign = '?';
    while (*query) {
        size_t n = strcspn(query + 1, "&");
        if (!is_secret(query + 1, n)) {
            ork_buf_addc(b, sign);
            ork_buf_add(b, query + 1, n);
            sign = '&';
        }
        query += n + 1;
    }
}

char *ork_store_url_plain(const char *url)
{
    const char *rest = strstr(url, "://"), *at = strrchr(url, '@'), *colon = rest ? strchr(rest + 3, ':') : NULL;
    if (strncmp(url, "postgres", 8) != 0 || !rest)
        return ork_strdup(url);
    struct ork_buf b = ORK_BUF_INIT;
    if (at && colon && colon < at) {
        ork_buf_add(&b, url, (size_t)(colon - url));
        rest = at;
    } else {
        rest = url;
    }
    const char *query = strchr(rest, '?');
    ork_buf_add(&b, rest, query ? (size_t)(query - rest) : strlen(rest));
    if (query)
        add_query(&b, query);
    return ork_buf_steal(&b, NULL);
}
