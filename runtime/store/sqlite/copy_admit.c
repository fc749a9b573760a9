/* SPDX-License-Identifier: MIT */
/* Who may be in a database that is copied from or into. A copy registers as a scheduler of a role of its own, so its
 * lock tells others that it lives, and what it leaves when it is killed is a note without a lock: the database stays
 * closed to all but the copy that goes on. Both look within the turn, so one of two sees the other. */
#include "base/err.h"
#include "store/sqlite/sqlite.h"
#include <stdio.h>
#include <string.h>

static int refuse_half(struct ork_sqlite *s, const char *source, ork_err *err)
{
    return ork_err_set(err, ORK_ESTATE,
                       "%s is half of a copy of %s: go on with `ork db copy`, the same two named, or use another "
                       "database",
                       s->name, source);
}

/* A row of copy_look or schedulers_list, read before its statement is used again. */
struct other {
    ork_id id;
    int pid;
    char host[128], role[16];
};

static void read_other(struct ork_stmt *st, int id, int host, int pid, int role, struct other *out)
{
    const char *text = (const char *)sqlite3_column_text(st->st, host);
    (void)ork_stmt_get_id(st, id, &out->id);
    (void)snprintf(out->host, sizeof out->host, "%s", text ? text : "?");
    out->pid = sqlite3_column_int(st->st, pid);
    text = role < 0 ? ORK_COPY_ROLE : (const char *)sqlite3_column_text(st->st, role);
    (void)snprintf(out->role, sizeof out->role, "%s", text ? text : "");
}

/* Those who are live by their row and by their lock. */
static bool breathes(struct ork_sqlite *s, const struct other *o)
{
    return !ork_id_eq(&o->id, &s->me) && ork_sqlite_owner_alive(&s->base, &o->id);
}

static int refuse_busy(struct ork_sqlite *s, const struct other *o, ork_err *err)
{
    if (strcmp(o->role, ORK_COPY_ROLE) == 0)
        return ork_err_set(err, ORK_EBUSY, "%s is being copied by process %d on %s; wait until that has ended", s->name,
                           o->pid, o->host);
    return ork_err_set(err, ORK_EBUSY,
                       "%s is in use by process %d on %s%s%s%s; a copy wants it for itself: stop that first, or wait "
                       "until its runs have ended",
                       s->name, o->pid, o->host, o->role[0] ? " (ork " : "", o->role, o->role[0] ? ")" : "");
}

static int admit_copy(struct ork_sqlite *s, ork_err *err)
{
    struct ork_stmt st;
    struct other o;
    int rc;
    ork_stmt_begin(&st, &s->writer, ORK_Q_schedulers_list);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        read_other(&st, 0, 1, 4, 2, &o);
        if (!breathes(s, &o))
            continue;
        ork_stmt_end(&st);
        return refuse_busy(s, &o, err);
    }
    return rc;
}

static int admit_others(struct ork_sqlite *s, ork_err *err)
{
    struct ork_stmt st;
    struct other o;
    int rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_copy_look);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        const char *source = (const char *)sqlite3_column_text(st.st, 0);
        if (source)
            rc = refuse_half(s, source, err);
        else
            read_other(&st, 1, 2, 3, -1, &o);
        if (rc == 1 && breathes(s, &o))
            rc = refuse_busy(s, &o, err);
        if (rc < 0) {
            ork_stmt_end(&st);
            return rc;
        }
    }
    return rc;
}

int ork_sqlite_admit(struct ork_sqlite *s, const char *role, ork_err *err)
{
    return role && strcmp(role, ORK_COPY_ROLE) == 0 ? admit_copy(s, err) : admit_others(s, err);
}
