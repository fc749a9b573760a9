/* SPDX-License-Identifier: MIT */
/* Picks the backend by the scheme of the URL and hands every call on. SQLite and folders are always there; PostgreSQL
 * comes in a module of its own (module.c), because libpq costs every start 6 ms in the loader. */
#include "base/err.h"
#include "store/ops.h"
#include <string.h>

static bool has_scheme(const char *url, const char *scheme)
{
    size_t n = strlen(scheme);
    return strncmp(url, scheme, n) == 0 && url[n] == ':';
}

/* The URL is not quoted: it may hold a password, in a form that nobody can take out. */
static int find(const char *url, const struct ork_store_ops **out, ork_err *err)
{
    *out = NULL;
    if (has_scheme(url, "sqlite")) {
        *out = &ork_store_sqlite;
        return 0;
    }
    if (has_scheme(url, "file")) {
        *out = &ork_store_file;
        return 0;
    }
    if (has_scheme(url, "postgres") || has_scheme(url, "postgresql"))
        return ork_store_module("ork_postgres", out, err);
    return ork_err_set(err, ORK_EINVAL,
                       "database URL \"%.*s…\": this Ork knows sqlite:PATH (a file), file:DIR (a folder of JSON), "
                       "sqlite::memory: (nothing is kept) and postgres://USER@HOST/DATABASE",
                       (int)strcspn(url, "@:/"), url);
}

int ork_store_open(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err)
{
    const struct ork_store_ops *ops;
    *out = NULL;
    int rc = find(url, &ops, err);
    return rc ? rc : ops->open(url, o, out, err);
}

int ork_store_path_of_url(const char *url, char **path, ork_err *err)
{
    const struct ork_store_ops *ops;
    *path = NULL;
    int rc = find(url, &ops, err);
    return rc ? rc : ops->path_of_url(url, path, err);
}

void ork_store_close(ork_store *s, ork_store_close_cb cb, void *data)
{
    s->ops->close(s, cb, data);
}

const char *ork_store_path(const ork_store *s)
{
    return s->ops->path(s);
}

bool ork_store_remote(const ork_store *s)
{
    return s->ops->remote;
}

int ork_store_register(ork_store *s, const char *host, const char *role, ork_id *scheduler, uint64_t *seq, ork_err *err)
{
    return s->ops->enroll(s, host, role, scheduler, seq, err);
}

int ork_store_outbid(ork_store *s, const ork_id *run, bool *mine, uint64_t *seq, ork_err *err)
{
    return s->ops->outbid(s, run, mine, seq, err);
}

bool ork_store_owner_alive(ork_store *s, const ork_id *scheduler)
{
    return s->ops->owner_alive(s, scheduler);
}

int ork_store_owner_watch(ork_store *s, const ork_id *scheduler, ork_owner_cb cb, void *data, ork_err *err)
{
    return s->ops->owner_watch(s, scheduler, cb, data, err);
}

void ork_store_apply(ork_store *s, struct ork_batch *b, ork_apply_cb cb, void *data)
{
    s->ops->apply(s, b, cb, data);
}

void ork_store_read(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, ork_read_cb cb,
                    void *data)
{
    s->ops->read(s, q, params, n, cb, data);
}

int ork_store_query(ork_store *s, enum ork_query q, const struct ork_param *params, size_t n, struct ork_rows **out,
                    ork_err *err)
{
    *out = NULL;
    return s->ops->query(s, q, params, n, out, err);
}

void ork_store_on_bell(ork_store *s, ork_bell_cb cb, void *data)
{
    s->ops->on_bell(s, cb, data);
}

void ork_store_on_news(ork_store *s, ork_bell_cb cb, void *data)
{
    s->ops->on_news(s, cb, data);
}

int ork_store_status_json(ork_store *s, struct ork_buf *out, ork_err *err)
{
    return s->ops->status(s, out, err);
}

int ork_store_check_json(ork_store *s, struct ork_buf *out, ork_err *err)
{
    return s->ops->check(s, out, err);
}

int ork_store_examine(ork_store *s, ork_examine_cb cb, void *data, ork_err *err)
{
    return s->ops->examine ? s->ops->examine(s, cb, data, err) : 0;
}

int ork_store_wal(ork_store *s)
{
    return s->ops->wal ? s->ops->wal(s) : -1;
}
