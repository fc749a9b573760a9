/* SPDX-License-Identifier: MIT */
/* Slots of named pools, shared by every scheduler on the database. A wish is one conditional operation in a commit;
 * what is granted becomes usable when that commit is durable. Slots nobody here needs go back at once; whoever was
 * refused elsewhere hears the bell. max_active_runs of a workflow is a pool too, named run:<workflow>, with one slot
 * per active run. */
#include "engine/engine.h"
#include <string.h>

struct wish {
    ork_engine *engine;
    struct ork_slots slots;
    char *pool;             /* owned */
    struct ork_active *run; /* counted; set when it is a run's turn */
    bool turn;              /* kept: a run's, which the limits do not count */
};

static void give_back(ork_engine *e, const char *pool, uint32_t count, bool turn);

/* A holder that dies rings no bell: the kernel tells us (ork_engine_watch_owner). */
static void on_users(void *data, int code, const ork_err *err, struct ork_rows *rows)
{
    ork_engine *e = data;
    ork_err why = {0};
    ork_id id;

    (void)err;
    e->works--;
    for (size_t i = 0; !code && !e->closing && i < ork_rows_len(rows); i++) {
        if (ork_rows_id(rows, i, "id", &id) && ork_engine_watch_owner(e, &id, &why) != 0)
            ork_log_warn(&e->log, "%s; if that ork dies its slots are noticed late", why.msg);
    }
    ork_rows_free(rows);
}

static void watch_users(ork_engine *e, const char *pool)
{
    struct ork_param p[] = {ORK_P_TEXT(pool), ORK_P_ID(&e->scheduler)};

    if (e->closing || e->fenced)
        return;
    e->works++;
    ork_store_read(e->store, ORK_Q_pool_users, p, 2, on_users, e);
}

static void on_granted(void *data, int code, const ork_err *err)
{
    struct wish *w = data;

    (void)err;
    if (!code && !w->slots.keep && w->slots.granted < w->slots.want)
        watch_users(w->engine, w->pool);
    if (w->slots.keep) {
        if (!code && !w->turn) {
            ork_limits_pool_over(w->engine->limits, w->pool, w->slots.want - w->slots.granted);
            ork_pools_return(w->engine, w->pool);
        }
    } else if (!code && w->run) {
        bool wanted = !w->run->dead && !w->run->closing && !w->run->has_turn;
        w->run->waits_for_turn = wanted && w->slots.granted == 0;
        if (w->slots.granted && !wanted) {
            give_back(w->engine, w->pool, w->slots.granted, true);
        } else if (w->slots.granted) {
            w->run->has_turn = true;
            ork_active_begin(w->run);
        }
    } else if (!w->run) { /* none is an answer too: the next wish waits for somebody's release */
        ork_limits_pool_grant(w->engine->limits, w->pool, code ? 0 : w->slots.granted);
        ork_pools_return(w->engine, w->pool); /* whoever wanted them may be gone */
    }
    if (w->run)
        ork_active_unref(w->run);
    ork_free(w->pool);
    ork_free(w);
}

static struct wish *take(ork_engine *e, const char *pool, uint32_t want, struct ork_active *run)
{
    struct wish *w = ork_zalloc(sizeof(*w));

    w->engine = e;
    w->pool = ork_strdup(pool);
    w->run = run;
    if (run)
        ork_active_ref(run);
    w->slots = (struct ork_slots){.pool = w->pool, .want = want};
    ork_commit_unit(e, ORK_UNIT_TAKE_SLOTS, NULL, true)->take = &w->slots;
    ork_commit_answer(e, on_granted, w);
    return w;
}

/* Adopted attempts run whether or not there is room: the pool may be over its slots until they end. */
void ork_pools_keep(ork_engine *e, const char *pool, uint32_t slots)
{
    if (!e->fenced)
        take(e, pool, slots, NULL)->slots.keep = true;
}

void ork_pools_wish(ork_engine *e)
{
    const char *pool;
    uint32_t more;

    while (ork_limits_pool_wish(e->limits, &pool, &more))
        take(e, pool, more, NULL)->slots.least = ork_limits_pool_least(e->limits, pool);
}

struct giving {
    ork_engine *engine;
    struct ork_slots_free free;
    char *pool;
    bool turn;
};

static void on_given(void *data, int code, const ork_err *err)
{
    struct giving *g = data;

    (void)code;
    (void)err;
    if (g->turn)
        g->engine->pool_wake = true; /* runs of ours may wait there too, and the bell is for others */
    ork_free(g->pool);
    ork_free(g);
}

static void give_back(ork_engine *e, const char *pool, uint32_t count, bool turn)
{
    if (e->closing || e->fenced)
        return; /* they go with the scheduler */
    struct giving *g = ork_zalloc(sizeof(*g));

    g->engine = e;
    g->turn = turn;
    g->pool = ork_strdup(pool);
    g->free = (struct ork_slots_free){.pool = g->pool, .count = count};
    ork_commit_unit(e, ORK_UNIT_FREE_SLOTS, NULL, true)->free = &g->free;
    ork_commit_answer(e, on_given, g);
}

/* After the run's own wishes, so that what it holds counts without a gap. */
void ork_pools_inherited(ork_engine *e, struct ork_left *left)
{
    for (const struct ork_left *l = left; l; l = l->next)
        give_back(e, l->pool, l->count, true);
    ork_left_free(left);
}

void ork_pools_return(ork_engine *e, const char *pool)
{
    uint32_t unused = ork_limits_pool_return(e->limits, pool);

    if (unused)
        give_back(e, pool, unused, false);
}

static char *turn_pool(const struct ork_active *a)
{
    struct ork_buf b = ORK_BUF_INIT;

    ork_buf_addf(&b, "run:%s", ork_workflow_name(a->workflow));
    return ork_buf_steal(&b, NULL);
}

void ork_pools_turn(struct ork_active *a)
{
    uint32_t max = ork_workflow_limits(a->workflow)->max_active_runs;
    ork_engine *e = a->engine;

    if (!max || a->has_turn) {
        ork_active_begin(a);
        return;
    }
    char *pool = turn_pool(a);
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_POOL, NULL, true);
    u->pool = (struct ork_pool_put){.name = ork_strdup(pool), .slots = max};
    (void)ork_commit_text(e, (char *)u->pool.name);
    (void)take(e, pool, 1, a);
    ork_free(pool);
}

/* A run that goes on, or a person wants again, is active whether or not it is its turn; others wait for its end. */
void ork_pools_turn_keep(struct ork_active *a)
{
    if (a->has_turn || !ork_workflow_limits(a->workflow)->max_active_runs || a->engine->fenced)
        return;
    char *pool = turn_pool(a);
    a->has_turn = true;
    struct wish *w = take(a->engine, pool, 1, NULL);
    w->slots.keep = w->turn = true;
    ork_free(pool);
}

void ork_pools_turn_over(struct ork_active *a)
{
    if (!a->has_turn)
        return;
    a->has_turn = false;
    char *pool = turn_pool(a);
    give_back(a->engine, pool, 1, true);
    ork_free(pool);
}

/* The bell rang: somebody may have released what we were refused. */
void ork_pools_wake(ork_engine *e)
{
    ork_limits_pool_wake(e->limits, NULL);
    for (struct ork_active *a = e->runs; a; a = a->hh.next) {
        if (a->waits_for_turn) {
            a->waits_for_turn = false;
            char *pool = turn_pool(a);
            (void)take(e, pool, 1, a);
            ork_free(pool);
        }
    }
}
