/* SPDX-License-Identifier: MIT */
/* Opening: the place is judged first, so that messages speak of files and not of SQLite; then the schema; only then
 * handles on the loop. Until the handles exist, failure simply frees. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/path.h"
#include "store/sqlite/migrate.h"
#include "store/sqlite/place.h"
#include "store/sqlite/sqlite.h"
#include "store/sqlite/turn.h"
#include "store/sqlite/url.h"
#include <string.h>
#include <unistd.h>

static int open_database(struct ork_sqlite *s, ork_err *err)
{
    bool read = s->flags & ORK_OPEN_READ;
    int64_t now = s->clock->now_ms(s->clock->data);
    int rc = read ? 0 : ork_turn_open(s->path, &s->turn_fd, err);
    if (rc)
        return rc;
    if (read) {
        rc = ork_conn_open(&s->reader, s->path, s->frozen ? ORK_CONN_FROZEN : ORK_CONN_READ, &s->log, err);
        s->reader_open = !rc;
        return rc ? rc : ork_migrate(&s->reader, s->path, -1, s->flags, now, err);
    }
    /* The change to WAL wants the file for itself: it happens within the turn. */
    ork_turn_take(s->turn_fd);
    rc = ork_conn_open(&s->writer, s->path, ORK_CONN_WRITE, &s->log, err);
    ork_turn_drop(s->turn_fd);
    if (!rc)
        rc = ork_migrate(&s->writer, s->path ? s->path : "the database in memory", s->turn_fd, s->flags, now, err);
    return rc;
}

void ork_sqlite_free_early(struct ork_sqlite *s)
{
    ork_conn_close(&s->reader);
    ork_conn_close(&s->writer);
    ork_opened_end(&s->opened);
    if (s->turn_fd >= 0)
        (void)close(s->turn_fd);
    if (s->bell.fd >= 0)
        (void)close(s->bell.fd);
    uv_mutex_destroy(&s->read_lock);
    ork_free(s->path);
    ork_free(s);
}

static int locate(struct ork_sqlite *s, const char *url, ork_err *err)
{
    char *given = NULL;
    int rc = ork_sqlite_url(url, &given, &s->flags, err);
    if (rc || !given) {
        s->flags = (s->flags | ORK_OPEN_CREATE) & ~ORK_OPEN_READ; /* memory: always new */
        return rc;
    }
    rc = ork_place_open(given, s->flags, &s->path, &s->frozen, &s->opened, err);
    ork_free(given);
    return rc;
}

void ork_sqlite_init(struct ork_sqlite *s, const struct ork_store_ops *ops, const struct ork_store_opts *o)
{
    s->base.ops = ops;
    s->loop = o->loop;
    s->clock = o->clock;
    s->log = *o->log;
    s->log.name = "store";
    s->flags = o->flags;
    s->turn_fd = s->owner_fd = s->bell.fd = -1;
    (void)uv_mutex_init(&s->read_lock);
}

int ork_sqlite_open(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err)
{
    struct ork_sqlite *s = ork_zalloc(sizeof *s);
    ork_sqlite_init(s, &ork_store_sqlite, o);
    int rc = locate(s, url, err);
    s->name = s->path ? s->path : "the database in memory";
    if (!rc)
        rc = open_database(s, err);
    if (!rc)
        rc = ork_bell_open(s, err);
    if (!rc)
        rc = ork_writer_init(s, err);
    if (rc) {
        ork_sqlite_free_early(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}

static const char *path_of(const ork_store *s)
{
    return ((const struct ork_sqlite *)(const void *)s)->path;
}

static int path_of_url(const char *url, char **path, ork_err *err)
{
    uint32_t flags = 0;
    char *given = NULL;
    int rc = ork_sqlite_url(url, &given, &flags, err);
    if (!rc && given)
        rc = ork_path_absolute(given, path, err);
    ork_free(given);
    return rc;
}

const struct ork_store_ops ork_store_sqlite = {
    .scheme = "sqlite",
    .open = ork_sqlite_open,
    .close = ork_sqlite_close,
    .path = path_of,
    .path_of_url = path_of_url,
    .enroll = ork_sqlite_register,
    .outbid = ork_sqlite_outbid,
    .owner_alive = ork_sqlite_owner_alive,
    .owner_watch = ork_watch_add,
    .apply = ork_writer_apply,
    .read = ork_sqlite_read,
    .query = ork_sqlite_query,
    .on_bell = ork_bell_watch,
    .on_news = ork_bell_on_news,
    .status = ork_sqlite_status,
    .check = ork_sqlite_check,
    .wal = ork_sqlite_wal,
    .copy = &ork_sqlite_copy,
};
