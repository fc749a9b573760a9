/* SPDX-License-Identifier: MIT */
/* Opening: the URL is read, one connection is made (whose failure says what can be done), the schema is looked at and
 * brought up to date; only then handles on the loop. The other connections are made when they are first needed. */
#include "base/alloc.h"
#include "base/err.h"
#include "store/postgres/copy.h"
#include "store/postgres/postgres.h"
#include <stdio.h>
#include <string.h>

static void name_itself(struct ork_postgres *s)
{
    uint64_t number = s->clock->random(s->clock->data);
    (void)snprintf(s->token, sizeof s->token, "r%016llx", (unsigned long long)number);
    (void)snprintf(s->death, sizeof s->death, "d%016llx", (unsigned long long)number);
}

static int open_store(const char *url, const struct ork_store_opts *o, ork_store **out, ork_err *err)
{
    struct ork_postgres *s = ork_zalloc(sizeof *s);
    s->base.ops = &ork_store_postgres;
    s->loop = o->loop;
    s->clock = o->clock;
    s->log = *o->log;
    s->log.name = "store";
    s->flags = o->flags;
    s->requests_tail = &s->requests;
    name_itself(s);
    ork_link_init(&s->here, s, "look", false);
    s->host_grace_ms = o->host_grace_ms ? o->host_grace_ms : ORK_PG_HOST_GRACE_MS;
    ork_link_init(&s->write, s, "write", true);
    s->write.patience_ms = ORK_PG_DEAD_MS; /* longer, and it counts as hung */
    ork_link_init(&s->ear.link, s, "listen", false);
    ork_link_init(&s->watch, s, "watch", false);
    int rc = ork_pg_url(s, url, err);
    if (!rc)
        rc = ork_link_open(&s->here, ORK_PG_CALL_MS, err);
    if (!rc)
        rc = ork_pg_migrate(s, &s->here, err);
    if (!rc)
        rc = ork_pg_writer_init(s, err);
    if (rc) {
        ork_pg_free(s);
        return rc;
    }
    *out = &s->base;
    return 0;
}

/* Links have no handles any more. */
void ork_pg_free(struct ork_postgres *s)
{
    ork_link_drop(&s->here);
    ork_free(s->here.queue);
    ork_co_free(s->writer);
    ork_co_free(s->ear.co);
    ork_co_free(s->watcher);
    ork_groups_free(s->groups);
    ork_pg_url_free(s);
    ork_free(s);
}

static const char *path_of(const ork_store *s)
{
    (void)s;
    return NULL;
}

static int path_of_url(const char *url, char **path, ork_err *err)
{
    struct ork_postgres s = {0};
    *path = NULL; /* there is no file */
    int rc = ork_pg_url(&s, url, err);
    ork_pg_url_free(&s);
    return rc;
}

const struct ork_store_ops ork_store_postgres = {
    .scheme = "postgres",
    .remote = true,
    .open = open_store,
    .close = ork_pg_close,
    .path = path_of,
    .path_of_url = path_of_url,
    .enroll = ork_pg_register,
    .outbid = ork_pg_outbid,
    .owner_alive = ork_pg_owner_alive,
    .owner_watch = ork_pg_watch_add,
    .apply = ork_pg_apply,
    .read = ork_pg_read,
    .query = ork_pg_query,
    .on_bell = ork_pg_on_bell,
    .on_news = ork_pg_on_news,
    .status = ork_pg_status,
    .check = ork_pg_check,
    .examine = ork_pg_examine,
    .copy = &ork_pg_copy,
};

ORK_API extern const struct ork_store_module ork_store_module_info;
const struct ork_store_module ork_store_module_info = {ORK_VERSION, &ork_store_postgres};
