/* SPDX-License-Identifier: MIT */
/* What `ork doctor` says of a server: which it is and what schema is there, what this role may do, how far its clock is
 * from ours, how many connections are left, whether it cleans up after itself. Read only, on one connection. */
#include "base/buf.h"
#include "base/err.h"
#include "store/postgres/postgres.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST 130000 /* the oldest server that is tested */
#define APART_MS 2000 /* clocks: less is nothing to tell of */
#define FEW 10        /* connections that one more scheduler may take */

struct look {
    struct ork_postgres *s;
    ork_examine_cb cb;
    void *data;
    char names[512]; /* of our tables, comma between */
    int64_t off_ms;  /* the server's clock less ours */
};

ORK_PRINTF(5, 6) static void say(struct look *l, int state, const char *name, const char *hint, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->cb(l->data, state, name, hint, text);
}

enum { VERSION, VERSION_NUM, SCHEMA, NOW, SIZE, USED, LEFT, BACKEND, STANDBY, MAY_CREATE, AUTOVACUUM };

static void the_server(struct look *l, const struct ork_stmt *st)
{
    const char *version = ork_stmt_get_text(st, 0, VERSION), *shown = l->s->shown;
    long long schema = (long long)ork_stmt_get_int(st, 0, SCHEMA);
    if (ork_stmt_get_int(st, 0, STANDBY))
        say(l, ORK_EXAMINE_WARNING, "database", "to work, connect to the server that it follows",
            "%s is a standby: it can only be looked at (schema %lld, PostgreSQL %s)", shown, schema, version);
    else if (ork_stmt_get_int(st, 0, VERSION_NUM) < OLDEST)
        say(l, ORK_EXAMINE_WARNING, "database", "Ork is made for PostgreSQL 13 and later",
            "%s (schema %lld) is PostgreSQL %s", shown, schema, version);
    else
        say(l, ORK_EXAMINE_OK, "database", NULL, "%s (schema %lld, PostgreSQL %s, %.1f MB)", shown, schema, version,
            (double)ork_stmt_get_int(st, 0, SIZE) / 1e6);
}

static void the_session(struct look *l, const struct ork_stmt *st)
{
    if (ork_stmt_get_int(st, 0, BACKEND) != PQbackendPID(l->s->here.pg))
        say(l, ORK_EXAMINE_WARNING, "sessions", "connect to the server itself, or let the pooler keep sessions",
            "a pooler gives each transaction another session: what others start is seen late, and a dead scheduler "
            "after 10 s");
}

static void the_clocks(struct look *l)
{
    char apart[32];
    ork_duration_format(l->off_ms < 0 ? -l->off_ms : l->off_ms, apart);
    if (l->off_ms > APART_MS || l->off_ms < -APART_MS)
        say(l, ORK_EXAMINE_WARNING, "server clock", "set both (timedatectl set-ntp true)",
            "it is %s %s this one: times of one run come from both", apart, l->off_ms < 0 ? "behind" : "ahead of");
    else
        say(l, ORK_EXAMINE_OK, "server clock", NULL, "as this one, to within %d s", APART_MS / 1000);
}

static void the_connections(struct look *l, const struct ork_stmt *st)
{
    long long used = (long long)ork_stmt_get_int(st, 0, USED), left = (long long)ork_stmt_get_int(st, 0, LEFT);
    if (left < FEW)
        say(l, ORK_EXAMINE_WARNING, "connections",
            "raise max_connections (or the limit of the role or database), or take fewer: pool_size in the URL",
            "%lld left, and a scheduler takes up to %d", left < 0 ? 0 : left, FEW);
    else
        say(l, ORK_EXAMINE_OK, "connections", NULL, "%lld in use, %lld left", used, left);
}

/* A list of tables in one line: what each row of an answer says. */
static void list(struct ork_buf *out, const struct ork_stmt *st, int n, int column)
{
    for (int i = 0; i < n; i++) {
        ork_buf_addf(out, "%s%s", i ? ", " : "", ork_stmt_get_text(st, i, 0));
        if (column)
            ork_buf_addf(out, " (%s)", ork_stmt_get_text(st, i, column));
    }
}

static int ask_of_tables(struct look *l, struct ork_stmt *st, int which, ork_err *err)
{
    ork_stmt_begin(st, &l->s->here, which);
    ork_stmt_word(st, l->names);
    return ork_stmt_alone(st, err);
}

static int the_rights(struct look *l, bool may_create, ork_err *err)
{
    struct ork_stmt st;
    struct ork_buf names = ORK_BUF_INIT;
    int n = ask_of_tables(l, &st, ORK_S_examine_rights, err);
    if (n > 0)
        list(&names, &st, n, 1);
    ork_stmt_end(&st);
    if (n > 0)
        say(l, ORK_EXAMINE_PROBLEM, "rights", "as their owner: GRANT ALL ON ALL TABLES IN SCHEMA … TO this role",
            "this role lacks rights on tables: %s", names.data);
    else if (n == 0 && !may_create)
        say(l, ORK_EXAMINE_WARNING, "rights", "as its owner: GRANT CREATE ON SCHEMA … TO this role",
            "reads and writes, but may not create tables: a new version of Ork cannot migrate");
    else if (n == 0)
        say(l, ORK_EXAMINE_OK, "rights", NULL, "reads, writes and migrates");
    ork_buf_fini(&names);
    return n < 0 ? n : 0;
}

static int the_cleaning(struct look *l, bool autovacuum, ork_err *err)
{
    struct ork_stmt st;
    struct ork_buf names = ORK_BUF_INIT, hint = ORK_BUF_INIT;
    int n = ask_of_tables(l, &st, ORK_S_examine_tables, err);
    if (n > 0) {
        list(&names, &st, n, 0);
        ork_buf_addf(&hint, "VACUUM (ANALYZE) %s%s", names.data,
                     autovacuum
                         ? "; if that comes back, autovacuum is too slow for them (autovacuum_vacuum_scale_factor)"
                         : "; and set autovacuum = on");
    }
    ork_stmt_end(&st);
    if (n > 0)
        say(l, ORK_EXAMINE_WARNING, "vacuum", hint.data, "dead rows or old statistics in %s: lists get slow",
            names.data);
    else if (n == 0 && !autovacuum)
        say(l, ORK_EXAMINE_WARNING, "vacuum", "set autovacuum = on", "the server does not clean up by itself");
    else if (n == 0)
        say(l, ORK_EXAMINE_OK, "vacuum", NULL, "the server keeps up");
    ork_buf_fini(&names);
    ork_buf_fini(&hint);
    return n < 0 ? n : 0;
}

static void name_tables(struct look *l)
{
    size_t at = 0;
    for (size_t i = 0; i < ork_store_tables_len && at < sizeof l->names; i++)
        at += (size_t)snprintf(l->names + at, sizeof l->names - at, "%s%s", i ? "," : "", ork_store_tables[i].name);
}

int ork_pg_examine(ork_store *store, ork_examine_cb cb, void *data, ork_err *err)
{
    struct look l = {.s = ork_pg_of(store), .cb = cb, .data = data};
    const struct ork_clock *clock = l.s->clock;
    struct ork_stmt st;
    int rc = ork_pg_here(l.s, err);
    if (rc)
        return rc;
    name_tables(&l);
    int64_t before = clock->now_ms(clock->data);
    ork_stmt_begin(&st, &l.s->here, ORK_S_examine_server);
    rc = ork_stmt_alone(&st, err);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        ork_stmt_end(&st);
        return ork_err_set(err, ORK_EDB, "%s does not say what it is", l.s->shown);
    }
    l.off_ms = ork_stmt_get_ms(&st, 0, NOW) - (before + clock->now_ms(clock->data)) / 2;
    bool may_create = ork_stmt_get_int(&st, 0, MAY_CREATE), autovacuum = ork_stmt_get_int(&st, 0, AUTOVACUUM);
    the_server(&l, &st);
    the_session(&l, &st);
    the_clocks(&l);
    the_connections(&l, &st);
    ork_stmt_end(&st);
    rc = the_rights(&l, may_create, err);
    return rc ? rc : the_cleaning(&l, autovacuum, err);
}
