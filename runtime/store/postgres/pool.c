/* SPDX-License-Identifier: MIT */
/* Slots shared by all schedulers of a database. The pool's row is locked first, also to give slots back, so that
 * look-and-take is one step and a wish that is refused is seen by whoever frees next. Slots of a dead scheduler count
 * until it is found dead, and it is looked for exactly when somebody is refused; those of a server until its runs are
 * taken up, since what they hold still runs (whoever takes one gets as many, and gives back what is too much). A
 * refused wish is remembered (`waiting`), so that who frees slots knows that the bell must be rung. A pool nobody
 * declared has one slot: the careful reading.
 *
 * A batch that touches several pools locks them all first, in the order of their names: two of them never wait for each
 * other, which the server would notice only after a second. */
#include "base/alloc.h"
#include <stdlib.h>
#include "store/postgres/postgres.h"
#include <string.h>

static int lock(struct ork_postgres *s, const char *pool, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_lock);
    ork_stmt_word(&st, pool);
    int rc = ork_stmt_ask(&st, err);
    ork_stmt_end(&st);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ork_pg_lock_pools(struct ork_postgres *s, ork_err *err)
{
    const struct ork_batch *b = s->batch;
    const char **names = NULL;
    size_t n = 0, cap = 0;
    int rc = 0;
    for (size_t i = 0; i < b->len; i++) {
        int type = b->units[i].type;
        if (type != ORK_UNIT_TAKE_SLOTS && type != ORK_UNIT_FREE_SLOTS)
            continue;
        ork_grow((void **)&names, &cap, n + 1, sizeof *names);
        names[n++] = type == ORK_UNIT_TAKE_SLOTS ? b->units[i].take->pool : b->units[i].free->pool;
    }
    if (n > 1)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; !rc && n > 1 && i < n; i++) {
        struct ork_stmt st;
        if (i && strcmp(names[i], names[i - 1]) == 0)
            continue;
        ork_stmt_begin(&st, &s->write, ORK_S_pool_lock);
        ork_stmt_word(&st, names[i]);
        rc = ork_stmt_queue(&st, err);
    }
    ork_free(names);
    return rc;
}

static int lock_or_assume(struct ork_postgres *s, const char *pool, ork_err *err)
{
    struct ork_stmt st;
    int rc = lock(s, pool, err);
    if (rc)
        return rc < 0 ? rc : 0;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_assume);
    ork_stmt_word(&st, pool);
    rc = ork_stmt_queue(&st, err);
    if (!rc)
        rc = lock(s, pool, err);
    return rc < 0 ? rc : 0;
}

static int look(struct ork_postgres *s, const char *pool, int64_t *free_slots, int64_t *mine, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_free_slots);
    ork_stmt_word(&st, pool);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, s->host_grace_ms);
    int rc = ork_stmt_ask(&st, err);
    *free_slots = rc > 0 ? ork_stmt_get_int(&st, 0, 0) : 0;
    *mine = rc > 0 ? ork_stmt_get_int(&st, 0, 1) : 0;
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}

static int bury_users(struct ork_postgres *s, const char *pool, bool *found, ork_err *err)
{
    struct ork_stmt st;
    ork_id *users = NULL;
    *found = false;
    ork_stmt_begin(&st, &s->write, ORK_Q_pool_users);
    ork_stmt_word(&st, pool);
    ork_stmt_id(&st, &s->me);
    int n = ork_stmt_ask(&st, err), rc = n < 0 ? n : 0;
    if (n > 0)
        users = ork_zalloc((size_t)n * sizeof *users);
    for (int i = 0; i < n; i++)
        (void)ork_stmt_get_id(&st, i, 0, &users[i]);
    ork_stmt_end(&st);
    for (int i = 0; !rc && i < n; i++) {
        bool dead;
        rc = ork_pg_bury(&s->write, &users[i], &dead, NULL, err);
        *found = *found || dead;
    }
    ork_free(users);
    return rc;
}

int ork_unit_take_slots(struct ork_postgres *s, struct ork_slots *p, ork_err *err)
{
    int64_t free_slots, mine;
    int rc = lock_or_assume(s, p->pool, err);
    if (!rc)
        rc = look(s, p->pool, &free_slots, &mine, err);
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
    ork_stmt_begin(&st, &s->write, ORK_S_pool_use_put);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, mine + (p->keep ? p->want : p->granted));
    if (p->keep)
        ork_stmt_null(&st);
    else
        ork_stmt_int(&st, p->granted < p->want);
    return ork_stmt_queue(&st, err);
}

int ork_unit_free_slots(struct ork_postgres *s, struct ork_slots_free *p, ork_err *err)
{
    struct ork_stmt st;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_lock);
    ork_stmt_word(&st, p->pool);
    int rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_use_free);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    ork_stmt_int(&st, p->count);
    rc = ork_stmt_queue(&st, err);
    if (rc)
        return rc;
    ork_stmt_begin(&st, &s->write, ORK_S_pool_waits);
    ork_stmt_word(&st, p->pool);
    ork_stmt_id(&st, &s->me);
    rc = ork_stmt_ask(&st, err);
    p->wakes = rc > 0 && ork_stmt_get_int(&st, 0, 0);
    ork_stmt_end(&st);
    return rc < 0 ? rc : 0;
}
