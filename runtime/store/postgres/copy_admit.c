/* SPDX-License-Identifier: MIT */
/* Who may be in a database that is copied from or into. A copy locks the table of schedulers for a moment, registers,
 * and looks who else lives; everybody else looks for a copy, behind the same lock, so one of two sees the other. */
#include "base/err.h"
#include "store/postgres/copy.h"

bool ork_pg_is_copy(const char *role)
{
    return role && strcmp(role, ORK_COPY_ROLE) == 0;
}

/* One that is live by its row: its lock, or its beat, tells. */
static int breathes(struct ork_postgres *s, const ork_id *id, bool *alive, ork_err *err)
{
    bool dead = false;
    *alive = false;
    if (ork_id_eq(id, &s->me))
        return 0;
    int rc = ork_pg_bury(&s->write, id, &dead, NULL, err);
    *alive = !dead;
    return rc;
}

static int refuse_busy(struct ork_postgres *s, const char *host, const char *role, ork_err *err)
{
    if (ork_pg_is_copy(role))
        return ork_err_set(err, ORK_EBUSY, "%s is being copied by an ork on %s; wait until that has ended", s->shown,
                           host);
    return ork_err_set(
        err, ORK_EBUSY,
        "%s is in use by an ork%s%s on %s; a copy wants it for itself: stop that first, or wait until its "
        "runs have ended",
        s->shown, role ? " " : "", role ? role : "", host);
}

static int admit_copy(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_Q_schedulers_list);
    int n = ork_stmt_ask(&st, err), rc = n < 0 ? n : 0;
    for (int i = 0; !rc && i < n; i++) {
        ork_id id;
        bool alive;
        (void)ork_stmt_get_id(&st, i, 0, &id);
        rc = breathes(s, &id, &alive, err);
        if (!rc && alive)
            rc = refuse_busy(s, ork_stmt_get_text(&st, i, 1), ork_stmt_get_text(&st, i, 2), err);
    }
    ork_stmt_end(&st);
    return rc;
}

static int admit_others(struct ork_postgres *s, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_copy_look);
    int n = ork_stmt_ask(&st, err), rc = n < 0 ? n : 0;
    for (int i = 0; !rc && i < n; i++) {
        const char *source = ork_stmt_get_text(&st, i, 0);
        ork_id id;
        bool alive = false;
        if (source)
            rc = ork_err_set(err, ORK_ESTATE,
                             "%s is half of a copy of %s: go on with `ork db copy`, the same two named, or use another "
                             "database",
                             s->shown, source);
        else if (ork_stmt_get_id(&st, i, 1, &id))
            rc = breathes(s, &id, &alive, err);
        if (!rc && alive)
            rc = refuse_busy(s, ork_stmt_get_text(&st, i, 2), ORK_COPY_ROLE, err);
    }
    ork_stmt_end(&st);
    return rc;
}

int ork_pg_admit(struct ork_postgres *s, const char *role, ork_err *err)
{
    return ork_pg_is_copy(role) ? admit_copy(s, err) : admit_others(s, err);
}
