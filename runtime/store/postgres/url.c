/* SPDX-License-Identifier: MIT */
/* The URL is libpq's (every parameter of it works: sslmode, passfile, target_session_attrs, several hosts …), and one
 * of ours, pool_size. What libpq gives no value for gets one that notices a dead network within seconds.
 *
 * Law: nothing that may hold a password is ever quoted. An unescaped @ or / in one makes libpq take its pieces for
 * hosts and ports, which it names in messages: such URLs are refused here, without a quote. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE                                                                                                          \
    "write postgres://USER:PASSWORD@HOST:PORT/DATABASE; within user and password percent-encode / @ : ? # and %%"

/* Takes pool_size=N out of the query. */
static char *without_pool_size(const char *url, unsigned *size, bool *bad)
{
    static const char key[] = "pool_size=";
    const char *query = strchr(url, '?'), *at = query;
    *bad = false;
    while (at && strncmp(at + 1, key, sizeof key - 1) != 0)
        at = strchr(at + 1, '&');
    if (!at)
        return ork_strdup(url);
    char *end;
    unsigned long n = strtoul(at + sizeof key, &end, 10);
    *bad = end == at + sizeof key || (*end && *end != '&') || n < 1 || n > 100;
    *size = n < 1 ? 1 : n > 10 ? 10 : (unsigned)n;
    struct ork_buf b = ORK_BUF_INIT;
    if (*end == '&') { /* keeps the sign before it */
        ork_buf_add(&b, url, (size_t)(at + 1 - url));
        ork_buf_adds(&b, end + 1);
    } else {
        ork_buf_add(&b, url, (size_t)(at - url));
        ork_buf_adds(&b, end);
    }
    return ork_buf_steal(&b, NULL);
}

static const char *value_of(const PQconninfoOption *all, const char *keyword)
{
    for (; all->keyword; all++)
        if (strcmp(all->keyword, keyword) == 0)
            return all->val;
    return NULL;
}

static char *show(const PQconninfoOption *all)
{
    const char *user = value_of(all, "user"), *host = value_of(all, "host"), *port = value_of(all, "port"),
               *db = value_of(all, "dbname");
    struct ork_buf b = ORK_BUF_INIT;
    if (!host)
        host = value_of(all, "hostaddr");
    ork_buf_adds(&b, "postgres://");
    if (user)
        ork_buf_addf(&b, "%s@", user);
    ork_buf_adds(&b, host ? host : "");
    if (port)
        ork_buf_addf(&b, ":%s", port);
    if (db)
        ork_buf_addf(&b, "/%s", db);
    return ork_buf_steal(&b, NULL);
}

static bool is_name(const char *host)
{
    unsigned char address[16];
    return host && *host && *host != '/' && *host != '@' && inet_pton(AF_INET, host, address) != 1 &&
           inet_pton(AF_INET6, host, address) != 1;
}

static void keep(struct ork_postgres *s, size_t *n, const char *keyword, const char *value)
{
    s->keywords[*n] = ork_strdup(keyword);
    s->values[(*n)++] = ork_strdup(value);
}

static void keep_all(struct ork_postgres *s, const PQconninfoOption *all)
{
    static const char *const ours[][2] = {
        {"client_encoding", "UTF8"}, {"keepalives_idle", "5"},      {"keepalives_interval", "2"},
        {"keepalives_count", "3"},   {"tcp_user_timeout", "10000"}, {"fallback_application_name", "ork"},
    };
    size_t count = 0, n = 0;
    while (all[count].keyword)
        count++;
    s->keywords = ork_zalloc((count + 8) * sizeof *s->keywords);
    s->values = ork_zalloc((count + 8) * sizeof *s->values);
    for (size_t i = 0; i < count; i++)
        if (all[i].val && *all[i].val && strcmp(all[i].keyword, "client_encoding") != 0)
            keep(s, &n, all[i].keyword, all[i].val);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!value_of(all, ours[i][0]) || i == 0)
            keep(s, &n, ours[i][0], ours[i][1]);
}

int ork_pg_url(struct ork_postgres *s, const char *url, ork_err *err)
{
    char *why = NULL;
    bool bad;
    s->pool_size = 10;
    ORK_CLEANUP(ork_free_cleanup) char *plain = without_pool_size(url, &s->pool_size, &bad);
    if (bad)
        return ork_err_set(err, ORK_EINVAL, "database URL: pool_size is a number from 1 to 10");
    PQconninfoOption *all = PQconninfoParse(plain, &why);
    if (!all) {
        int rc = strchr(plain, '@') || !why
                     ? ork_err_set(err, ORK_EINVAL, "the database URL cannot be read: " SHAPE)
                     : ork_err_set(err, ORK_EINVAL, "the database URL cannot be read: %.*s; " SHAPE,
                                   (int)strcspn(why, "\n"), why);
        PQfreemem(why);
        return rc;
    }
    const char *host = value_of(all, "host"), *port = value_of(all, "port");
    int rc = 0;
    if ((host && *host != '/' && strchr(host, '@')) || (port && port[strspn(port, "0123456789,")])) {
        rc = ork_err_set(err, ORK_EINVAL, "the database URL has a port that is no number, or more than one @: " SHAPE);
    } else {
        s->shown = show(all);
        s->names_hosts = is_name(host);
        keep_all(s, all);
    }
    PQconninfoFree(all);
    return rc;
}

void ork_pg_url_free(struct ork_postgres *s)
{
    for (size_t i = 0; s->keywords && s->keywords[i]; i++) {
        if (s->values[i])
            explicit_bzero(s->values[i], strlen(s->values[i]));
        ork_free(s->keywords[i]);
        ork_free(s->values[i]);
    }
    ork_free(s->keywords);
    ork_free(s->values);
    ork_free(s->shown);
}
