/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include "core/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct ork_limits *l;

static int end(void **state)
{
    (void)state;
    ork_limits_free(l);
    l = NULL;
    return 0;
}

static struct ork_limits_run *add(int32_t priority, uint32_t max_parallel, const char *name)
{
    return ork_limits_run_add(l, priority, max_parallel, (void *)(uintptr_t)name);
}

/* Everything that may start now, as "a1 b7". */
static const char *all(void)
{
    static char text[400];
    struct ork_limits_run *r;
    uint32_t task;
    size_t len = 0;

    text[0] = '\0';
    while (ork_limits_next(l, &r, &task))
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%u", len ? " " : "",
                                (const char *)ork_limits_run_data(r), task);
    return text;
}

static void ready(struct ork_limits_run *r, uint32_t first, uint32_t count, int32_t priority)
{
    for (uint32_t i = 0; i < count; i++)
        ork_limits_ready(l, r, first + i, priority, NULL, 0);
}

static void priority_then_task_order(void **state)
{
    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(0, 0, "a");
    ready(a, 5, 2, 0);
    ready(a, 1, 2, 0);
    ready(a, 9, 1, 3);
    ready(a, 0, 1, -1);
    assert_string_equal(all(), "a9 a1 a2 a5 a6 a0");
    ork_limits_run_remove(l, a);
}

static void runs_of_equal_priority_share(void **state)
{
    (void)state;
    l = ork_limits_new(6);
    struct ork_limits_run *a = add(0, 0, "a"), *b = add(0, 0, "b"), *c = add(1, 0, "c");
    ready(a, 0, 9, 0);
    ready(b, 0, 9, 0);
    ready(c, 0, 1, 0);
    assert_string_equal(all(), "c0 a0 b0 a1 b1 a2");
    ork_limits_done(l, b, NULL, 0);
    ork_limits_done(l, b, NULL, 0); /* b holds nothing now: its turn */
    assert_string_equal(all(), "b2 b3");
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "a3"); /* 2 and 2: a waited longer */
    ork_limits_run_remove(l, a);      /* its 3 places are free */
    assert_string_equal(all(), "b4 b5 b6");
    ork_limits_run_remove(l, b);
    ork_limits_run_remove(l, c);
}

static void a_run_is_held_to_its_parallel(void **state)
{
    (void)state;
    l = ork_limits_new(9);
    struct ork_limits_run *a = add(5, 2, "a"), *b = add(0, 0, "b");
    ready(a, 0, 5, 0);
    ready(b, 0, 2, 0);
    assert_string_equal(all(), "a0 a1 b0 b1");
    assert_int_equal(ork_limits_held(l, a, 2), ORK_HELD_RUN);
    assert_int_equal(ork_limits_held(l, a, 0), ORK_HELD_NOT); /* not ready any more */
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "a2");
    ork_limits_unready(l, a, 3);
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "a4");
    ork_limits_run_remove(l, a);
    ork_limits_run_remove(l, b);
}

static void the_window_is_the_hosts(void **state)
{
    (void)state;
    l = ork_limits_new(1);
    struct ork_limits_run *a = add(0, 0, "a");
    ready(a, 0, 4, 0);
    assert_string_equal(all(), "a0");
    assert_int_equal(ork_limits_held(l, a, 1), ORK_HELD_WINDOW);
    ork_limits_window(l, 3);
    assert_string_equal(all(), "a1 a2");
    ork_limits_window(l, 1); /* shrinking takes nothing away */
    ork_limits_done(l, a, NULL, 0);
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "");
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "a3");
    ork_limits_run_remove(l, a);
}

static void a_pool_is_asked_for_first(void **state)
{
    const char *pool;
    uint32_t more;

    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(0, 0, "a");
    for (uint32_t i = 0; i < 3; i++)
        ork_limits_ready(l, a, i, 0, "db", 2);
    ready(a, 7, 1, 0);
    assert_true(ork_limits_pool_wish(l, &pool, &more)); /* also before anybody asked for the next task */
    assert_string_equal(pool, "db");
    assert_int_equal(more, 6);
    assert_string_equal(all(), "a7");
    assert_int_equal(ork_limits_held(l, a, 0), ORK_HELD_POOL);
    assert_false(ork_limits_pool_wish(l, &pool, &more)); /* once */
    ork_limits_pool_grant(l, "db", 5);                   /* less than asked: there is no more to be had */
    assert_string_equal(all(), "a0 a1");
    assert_false(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(ork_limits_pool_return(l, "db"), 1); /* one slot is no use for a task of two */
    ork_limits_pool_wake(l, "db");
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(more, 2);
    ork_limits_pool_grant(l, "db", 0);
    ork_limits_done(l, a, "db", 2);
    assert_string_equal(all(), "a2");
    ork_limits_done(l, a, "db", 2);
    assert_int_equal(ork_limits_pool_return(l, "db"), 2);
    assert_int_equal(ork_limits_pool_return(l, "db"), 0);
    ork_limits_done(l, a, "db", 2);
    assert_int_equal(ork_limits_pool_return(l, "db"), 2);
    ork_limits_run_remove(l, a);
}

/* Too little for the first in the queue goes back, and is asked for again together with what else is free: nobody else
 * may ever release anything. */
static void what_goes_back_is_asked_for_again(void **state)
{
    const char *pool;
    uint32_t more;

    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(0, 0, "a");
    ork_limits_ready(l, a, 0, 0, "db", 1);
    ork_limits_ready(l, a, 1, 0, "db", 1);
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    ork_limits_pool_grant(l, "db", 2);
    assert_string_equal(all(), "a0 a1");
    ork_limits_ready(l, a, 2, 0, "db", 2);
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    ork_limits_pool_grant(l, "db", 0); /* one is free, which is too little */
    ork_limits_done(l, a, "db", 1);
    assert_int_equal(ork_limits_pool_return(l, "db"), 1);
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(more, 2);
    ork_limits_pool_grant(l, "db", 2);
    assert_string_equal(all(), "a2");
    ork_limits_run_remove(l, a);
    assert_int_equal(ork_limits_pool_return(l, "db"), 3);
}

/* The store answers "none", but before that answer arrives somebody releases. */
static void a_release_during_a_wish_is_not_missed(void **state)
{
    const char *pool;
    uint32_t more;

    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(0, 0, "a");
    ork_limits_ready(l, a, 0, 0, "db", 1);
    assert_string_equal(all(), "");
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    ork_limits_pool_wake(l, NULL); /* somewhere */
    assert_false(ork_limits_pool_wish(l, &pool, &more));
    ork_limits_pool_grant(l, "db", 0);
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    ork_limits_pool_grant(l, "db", 1);
    assert_string_equal(all(), "a0");
    ork_limits_run_remove(l, a);
}

static void nobody_overtakes_within_a_pool(void **state)
{
    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(1, 0, "a"), *b = add(0, 0, "b");
    ork_limits_pool_grant(l, "db", 3);
    ork_limits_ready(l, a, 0, 0, "db", 2);
    assert_string_equal(all(), "a0");
    ork_limits_ready(l, a, 1, 0, "db", 2);
    ork_limits_ready(l, b, 0, 0, "db", 1); /* would fit, but a1 was here first and is better */
    ork_limits_ready(l, b, 1, 0, "lake", 1);
    ready(b, 2, 1, 0);
    assert_string_equal(all(), "b2");
    ork_limits_done(l, a, "db", 2);
    assert_string_equal(all(), "a1 b0");
    assert_int_equal(ork_limits_held(l, b, 1), ORK_HELD_POOL);
    ork_limits_run_remove(l, a);
    ork_limits_run_remove(l, b);
    assert_int_equal(ork_limits_pool_return(l, "db"), 3); /* what a run held came back */
}

static void adopted_attempts_take_their_place(void **state)
{
    (void)state;
    l = ork_limits_new(2);
    struct ork_limits_run *a = add(0, 2, "a");
    assert_int_equal(ork_limits_adopt(l, a, "db", 2), 2);
    assert_int_equal(ork_limits_adopt(l, a, NULL, 0), 0);
    assert_int_equal(ork_limits_adopt(l, a, NULL, 0), 0); /* beyond the window */
    ready(a, 0, 3, 0);
    assert_string_equal(all(), "");
    ork_limits_done(l, a, NULL, 0);
    ork_limits_done(l, a, NULL, 0);
    assert_string_equal(all(), "a0");
    ork_limits_done(l, a, "db", 2);
    assert_string_equal(all(), "a1");
    assert_int_equal(ork_limits_adopt(l, a, "db", 1), 0); /* one that was granted and is free */
    ork_limits_done(l, a, "db", 1);
    assert_int_equal(ork_limits_pool_return(l, "db"), 2);
    ork_limits_run_remove(l, a);
}

/* The window has room, but a slot is for a task that runs. */
static void pooled_tasks_do_not_run_ahead(void **state)
{
    (void)state;
    l = ork_limits_new(10);
    ork_limits_pooled(l, 2);
    struct ork_limits_run *a = add(0, 0, "a");
    const char *pool;
    uint32_t more;
    for (uint32_t i = 0; i < 5; i++)
        ork_limits_ready(l, a, i, 0, "db", 1);
    ready(a, 9, 1, 0);
    assert_string_equal(all(), "a9");
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(more, 2);
    assert_int_equal(ork_limits_pool_least(l, "db"), 1);
    ork_limits_pool_grant(l, "db", 2);
    assert_string_equal(all(), "a0 a1");
    assert_false(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(ork_limits_held(l, a, 2), ORK_HELD_WINDOW);
    ork_limits_done(l, a, "db", 1);
    assert_string_equal(all(), "a2");
    (void)ork_limits_adopt(l, a, "db", 1);
    ork_limits_done(l, a, "db", 1);
    assert_string_equal(all(), "");
    ork_limits_run_remove(l, a);
    a = add(0, 0, "a"); /* what it held is given back */
    ork_limits_ready(l, a, 0, 0, "db", 1);
    assert_string_equal(all(), "a0");
    ork_limits_run_remove(l, a);
}

/* What was adopted beyond the pool's size is given back before anybody else may use it. */
static void a_pool_over_its_size_shrinks_first(void **state)
{
    (void)state;
    l = ork_limits_new(10);
    struct ork_limits_run *a = add(0, 0, "a");
    assert_int_equal(ork_limits_adopt(l, a, "db", 1), 1);
    assert_int_equal(ork_limits_adopt(l, a, "db", 2), 2);
    ork_limits_pool_over(l, "db", 2); /* there was room for one */
    ork_limits_ready(l, a, 0, 0, "db", 1);
    assert_int_equal(ork_limits_pool_return(l, "db"), 0);
    ork_limits_done(l, a, "db", 1);
    assert_string_equal(all(), "");
    assert_int_equal(ork_limits_pool_return(l, "db"), 1);
    ork_limits_done(l, a, "db", 2);
    assert_int_equal(ork_limits_pool_return(l, "db"), 1);
    assert_string_equal(all(), "a0");
    ork_limits_done(l, a, "db", 1);
    ork_limits_pool_over(l, "db", 1); /* told late: it is free already */
    assert_int_equal(ork_limits_pool_return(l, "db"), 1);
    ork_limits_run_remove(l, a);
}

static void ready_twice_counts_once(void **state)
{
    (void)state;
    l = ork_limits_new(9);
    struct ork_limits_run *a = add(INT32_MAX, 0, "a"), *b = add(INT32_MIN, 0, "b");
    ready(a, 0, 2, 0);
    ork_limits_ready(l, a, 0, INT32_MAX, NULL, 0); /* saturates */
    ork_limits_ready(l, b, 0, INT32_MIN, NULL, 0);
    ork_limits_unready(l, b, 12345);
    assert_string_equal(all(), "a0 a1 b0");
    ork_limits_run_remove(l, a);
    ork_limits_run_remove(l, b);
}

/* ---- against a model that looks at everything each time ---------------------------------------- */

enum { RUNS = 4, TASKS = 12, POOLS = 3 };
static const char *const pool_names[POOLS] = {NULL, "db", "api"};

struct model {
    struct ork_limits_run *run[RUNS];
    uint32_t max[RUNS], held[RUNS], served[RUNS], window, all_held, clock;
    int32_t run_priority[RUNS];
    struct {
        bool ready, running;
        int32_t priority;
        uint32_t pool, slots;
    } task[RUNS][TASKS];
    uint32_t granted[POOLS], used[POOLS];
};

static bool better(const struct model *m, uint32_t ra, uint32_t ta, uint32_t rb, uint32_t tb)
{
    int32_t pa = m->task[ra][ta].priority + m->run_priority[ra], pb = m->task[rb][tb].priority + m->run_priority[rb];

    if (pa != pb)
        return pa > pb;
    if (ra != rb && m->held[ra] != m->held[rb])
        return m->held[ra] < m->held[rb];
    if (ra != rb)
        return m->served[ra] < m->served[rb];
    return ta < tb;
}

/* The best task of a run that has room; of a pool only its best such task counts, and only when it fits. */
static bool model_next(const struct model *m, uint32_t *run, uint32_t *task)
{
    bool found = false;

    for (uint32_t p = 0; p < POOLS; p++) {
        bool any = false;
        uint32_t br = 0, bt = 0;
        for (uint32_t r = 0; r < RUNS; r++)
            for (uint32_t t = 0; m->run[r] && (!m->max[r] || m->held[r] < m->max[r]) && t < TASKS; t++)
                if (m->task[r][t].ready && m->task[r][t].pool == p && (!any || better(m, r, t, br, bt))) {
                    br = r;
                    bt = t;
                    any = true;
                }
        if (!any || (p && m->task[br][bt].slots > m->granted[p] - m->used[p]))
            continue;
        if (!found || better(m, br, bt, *run, *task)) {
            *run = br;
            *task = bt;
            found = true;
        }
    }
    return found && m->all_held < m->window;
}

static void model_move(struct model *m, struct dice *d, uint64_t seed)
{
    uint32_t r = below(d, RUNS), t = below(d, TASKS), p = below(d, POOLS), what = below(d, 100);

    if (!m->run[r]) {
        m->max[r] = chance(d, 50) ? 1 + below(d, 3) : 0;
        m->run_priority[r] = (int32_t)below(d, 2);
        m->run[r] = ork_limits_run_add(l, m->run_priority[r], m->max[r], &m->run[r]);
        m->held[r] = 0;
        m->served[r] = ++m->clock;
    } else if (what < 40 && !m->task[r][t].running) {
        m->task[r][t].ready = true;
        m->task[r][t].priority = (int32_t)below(d, 3) - 1;
        m->task[r][t].pool = p;
        m->task[r][t].slots = p ? 1 + below(d, 3) : 0;
        ork_limits_ready(l, m->run[r], t, m->task[r][t].priority, pool_names[p], m->task[r][t].slots);
    } else if (what < 48 && m->task[r][t].ready) {
        m->task[r][t].ready = false;
        ork_limits_unready(l, m->run[r], t);
    } else if (what < 75 && m->task[r][t].running) {
        m->task[r][t].running = false;
        m->held[r]--;
        m->all_held--;
        m->used[m->task[r][t].pool] -= m->task[r][t].slots;
        ork_limits_done(l, m->run[r], pool_names[m->task[r][t].pool], m->task[r][t].slots);
    } else if (what < 82) {
        const char *pool;
        uint32_t more;
        while (ork_limits_pool_wish(l, &pool, &more)) {
            uint32_t k = strcmp(pool, "db") ? 2 : 1, give = below(d, more + 1);
            if (!more)
                fail_msg("seed %llu: a wish for nothing", (unsigned long long)seed);
            m->granted[k] += give;
            ork_limits_pool_grant(l, pool, give);
        }
    } else if (what < 86 && p) {
        ork_limits_pool_wake(l, pool_names[p]);
        m->granted[p] -= ork_limits_pool_return(l, pool_names[p]);
    } else if (what < 88) {
        m->window = below(d, 8);
        ork_limits_window(l, m->window);
    } else if (what < 89) {
        ork_limits_run_remove(l, m->run[r]);
        m->run[r] = NULL;
        m->all_held -= m->held[r];
        for (t = 0; t < TASKS; t++) {
            if (m->task[r][t].running)
                m->used[m->task[r][t].pool] -= m->task[r][t].slots;
            memset(&m->task[r][t], 0, sizeof(m->task[r][t]));
        }
    }
}

static void next_is_what_the_model_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct dice d = {seed};
        struct model m = {.window = 5};
        l = ork_limits_new(m.window);
        for (int step = 0; step < 500; step++) {
            uint32_t want_run, want_task, task;
            struct ork_limits_run *run;
            model_move(&m, &d, seed);
            if (chance(&d, 50))
                continue;
            bool want = model_next(&m, &want_run, &want_task), got = ork_limits_next(l, &run, &task);
            if (want != got || (want && (run != m.run[want_run] || task != want_task)))
                fail_msg("seed %llu step %d: wanted %d run %u task %u, got %d task %u", (unsigned long long)seed, step,
                         want, want_run, want_task, got, task);
            if (!got)
                continue;
            m.task[want_run][want_task].ready = false;
            m.task[want_run][want_task].running = true;
            m.held[want_run]++;
            m.all_held++;
            m.served[want_run] = ++m.clock;
            m.used[m.task[want_run][want_task].pool] += m.task[want_run][want_task].slots;
        }
        for (uint32_t r = 0; r < RUNS; r++)
            if (m.run[r])
                ork_limits_run_remove(l, m.run[r]);
        ork_limits_free(l);
    }
    l = ork_limits_new(1);
}

static void functions_have_a_window_of_their_own(void **state)
{
    (void)state;
    l = ork_limits_new(2);
    ork_limits_window_of(l, ORK_WINDOW_INLINE, 3);
    struct ork_limits_run *a = add(0, 0, "a"), *b = add(0, 0, "b");
    ready(a, 0, 5, 9); /* better ones, but the host is full */
    for (uint32_t i = 0; i < 5; i++)
        ork_limits_ready_in(l, b, ORK_WINDOW_INLINE, i, 0, NULL, 0);
    assert_string_equal(all(), "a0 a1 b0 b1 b2");
    ork_limits_done_in(l, b, ORK_WINDOW_INLINE, NULL, 0);
    assert_string_equal(all(), "b3");
    ork_limits_done(l, a, NULL, 0);
    ork_limits_unready(l, a, 2); /* the one that was first while the lane stood aside */
    assert_string_equal(all(), "a3");
    ork_limits_shut(l, ORK_WINDOW_HOST, true);
    ork_limits_done(l, a, NULL, 0);
    ork_limits_done_in(l, b, ORK_WINDOW_INLINE, NULL, 0);
    assert_string_equal(all(), "b4");
    ork_limits_shut(l, ORK_WINDOW_HOST, false);
    assert_string_equal(all(), "a4");
    ork_limits_run_remove(l, b); /* gives back where it took */
    b = add(0, 0, "b");
    for (uint32_t i = 0; i < 4; i++)
        ork_limits_ready_in(l, b, ORK_WINDOW_INLINE, i, 0, NULL, 0);
    assert_string_equal(all(), "b0 b1 b2");
    ork_limits_run_remove(l, a);
    ork_limits_run_remove(l, b);
}

static void functions_use_all_slots_of_a_pool(void **state)
{
    const char *pool;
    uint32_t more;

    (void)state;
    l = ork_limits_new(10);
    ork_limits_pooled(l, 1); /* processes of a pool do not run ahead of the host's slots; functions do not run ahead */
    struct ork_limits_run *a = add(0, 0, "a");
    ork_limits_ready(l, a, 0, 1, "p", 1);
    ork_limits_ready(l, a, 1, 1, "p", 1);
    for (uint32_t i = 2; i < 5; i++)
        ork_limits_ready_in(l, a, ORK_WINDOW_INLINE, i, 2, "p", 1);
    assert_string_equal(all(), "");
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    assert_true(more >= 4);
    ork_limits_pool_grant(l, "p", more);
    assert_string_equal(all(), "a2 a3 a4 a0");
    ork_limits_done_in(l, a, ORK_WINDOW_INLINE, "p", 1);
    assert_string_equal(all(), "");
    ork_limits_done(l, a, "p", 1);
    assert_string_equal(all(), "a1");
    ork_limits_run_remove(l, a);
}

/* Functions in workers are handed out ahead as processes are: slots are for those that may run. */
static void functions_in_workers_do_not_run_ahead_in_a_pool(void **state)
{
    const char *pool;
    uint32_t more;

    (void)state;
    l = ork_limits_new(10);
    ork_limits_pooled(l, 2);
    struct ork_limits_run *a = add(0, 0, "a");
    for (uint32_t i = 0; i < 5; i++)
        ork_limits_ready_in(l, a, ORK_WINDOW_LUA, i, 0, "p", 1);
    ork_limits_ready_in(l, a, ORK_WINDOW_LUA, 5, 0, NULL, 0);
    assert_string_equal(all(), "a5");
    assert_true(ork_limits_pool_wish(l, &pool, &more));
    assert_int_equal(more, 2);
    ork_limits_pool_grant(l, "p", 5);
    assert_string_equal(all(), "a0 a1");
    ork_limits_done_in(l, a, ORK_WINDOW_LUA, "p", 1);
    assert_string_equal(all(), "a2");
    ork_limits_run_remove(l, a);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(priority_then_task_order),
        T(runs_of_equal_priority_share),
        T(a_run_is_held_to_its_parallel),
        T(the_window_is_the_hosts),
        T(a_pool_is_asked_for_first),
        T(a_release_during_a_wish_is_not_missed),
        T(what_goes_back_is_asked_for_again),
        T(nobody_overtakes_within_a_pool),
        T(adopted_attempts_take_their_place),
        T(pooled_tasks_do_not_run_ahead),
        T(a_pool_over_its_size_shrinks_first),
        T(functions_have_a_window_of_their_own),
        T(functions_use_all_slots_of_a_pool),
        T(functions_in_workers_do_not_run_ahead_in_a_pool),
        T(ready_twice_counts_once),
        T(next_is_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
