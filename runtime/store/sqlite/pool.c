/* SPDX-License-Identifier: MIT */
/* Slots shared by all schedulers of a database. The turn makes look-and-take one step. Slots of a dead scheduler count
 * until it is found dead, and it is looked for exactly when somebody is refused. A refused wish is remembered
 * (`waiting`), so that who frees slots knows that the bell must be rung. A pool nobody declared has one slot: the
 * careful reading. */
#include "base/alloc.h"
#include "store/sqlite/sqlite.h"
#include <string.h>

static int look(struct ork_sqlite *s, const char *pool, int64_t *free_slots, int64_t *mine, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_pool_free_slots);
    ork_stmt_word(&st, pool);
    ork_stmt_id(&st, &s->me);
    int rc = ork_stmt_step(&st, err);
    if (rc == 1) {
        *free_slots = sqlite3_column_int64(st.st, 0);
        *mine = sqlite3_column_int64(st.st, 1);
        ork_stmt_end(&st);
        return 0;
    }
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_pool_put);
    ork_stmt_word(&st, pool);
    ork_stmt_int(&st, 1);
    *free_slots = 1;
    *mine = 0;
    return ork_stmt_run(&st, err);
}

static int bury_users(struct ork_sqlite *s, const char *pool, bool *found, ork_err *err)
{
    struct ork_stmt st;
    ork_id *users = NULL;
    size_t n = 0, cap = 0;
    int rc;
    *found = false;
    ork_stmt_begin(&st, &s->writer, ORK_Q_pool_users);
    ork_stmt_word(&st, pool);
    ork_stmt_id(&st, &s->me);
    while ((rc = ork_stmt_step(&st, err)) == 1) {
        ork_grow((void **)&users, &cap, n + 1, sizeof *users);
        n += ork_stmt_get_id(&st, 0, &users[n]);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        bool dead;
        rc = ork_sqlite_bury(s, &users[i], &dead, err);
        *found = *found || dead;
    }
    ork_free(users);
    return rc;
}

int ork_unit_take_slots(struct ork_sqlite *s, struct ork_slots *p, ork_err *err)
{
    int64_t free_slots, mine;
    int rc = look(s, p->pool, &free_slots, &mine, err);
    if (!rc && free_slots < p->want) {
        bool found;
        rc = bury_users(s, p->pool, &found, err);
        if (!rc && found)
            rc = look(s, p->pool, &free_slots, &mine, err);
    }
    if (rc)
        return rc;
    if (free_slots >= p->want)
        p->granted = p->want;
    else
        p->granted = free_slots <= 0 || free_slots < p->least ? 0 : (uint32_t)free_slots;
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_pool_use_put);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, mine + (p->keep ? p->want : p->granted));
    if (p->keep)
        ork_stmt_null(&st);
    else
        ork_stmt_int(&st, p->granted < p->want);
    return ork_stmt_run(&st, err);
}

int ork_unit_free_slots(struct ork_sqlite *s, struct ork_slots_free *p, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->writer, ORK_S_pool_use_free);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, p->count);
    int rc = ork_stmt_run(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->writer, ORK_S_pool_waits);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    rc = ork_stmt_step(&st, err);
    p->wakes = rc == 1 && sqlite3_column_int(st.st, 0);
    if (rc == 1)
        ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}
