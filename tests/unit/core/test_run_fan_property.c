/* SPDX-License-Identifier: MIT */
/* Tasks with items in random graphs under random orders of events, with a database and an agent made of arrays, killed
 * at random moments. Rows are known by number only, as in a database: an
 * item without a row is one that never began. ORK_SEED=<n> runs one seed alone. */
#include "base/alloc.h"
#include "core/lib_graph.h"
#include "core/run.h"
#include "core/state.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS 12000 /* of tasks and items over all expansions of a life */
#define ITEMS 100     /* the first of an item */

struct row {
    bool there;
    struct ork_run_task t;
};
struct map {
    bool there;
    uint32_t number, count, max_failed, kept;
};
enum where { NOWHERE, QUEUED, STARTED };
struct sim {
    uint64_t seed;
    struct dice dice;
    ork_workflow *w;
    struct ork_run run, run_row;
    struct ork_effects fx;
    struct row rows[NUMBERS];
    struct map maps[16], map_rows[16]; /* by task: now, and as stored */
    struct {
        enum where where;
        uint32_t attempt;
        bool kill, recall;
    } agent[NUMBERS];
    bool ready[NUMBERS], changed[NUMBERS];
    int64_t armed[NUMBERS];
    uint8_t before[NUMBERS];
    uint32_t next, live_most;
    int64_t now;
    uint32_t steps;
};
static struct sim *s;

static void wrong(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void wrong(const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fail_msg("seed %llu, step %u: %s", (unsigned long long)s->seed, s->steps, text);
    abort();
}
#define CHECK(cond, ...)                                                                                               \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            wrong(__VA_ARGS__);                                                                                        \
    } while (0)

static uint32_t no(uint32_t task)
{
    return ork_run_number(&s->run, task);
}

static bool is_live(int status)
{
    return status == ORK_TASK_DISPATCHED || status == ORK_TASK_RUNNING;
}

/* ---- steps ------------------------------------------------------------------------------------ */

static void carry_out(const struct ork_effect *fx)
{
    const uint32_t n = fx->task == ORK_NO_TASK ? 0 : no(fx->task);

    switch (fx->type) {
    case ORK_FX_READY:
        CHECK(!s->ready[n], "READY of %u twice", n);
        s->ready[n] = true;
        s->armed[n] = 0;
        break;
    case ORK_FX_UNREADY:
        CHECK(s->ready[n], "UNREADY of %u", n);
        s->ready[n] = false;
        break;
    case ORK_FX_ARM:
        CHECK(!s->armed[n] && !s->ready[n], "ARM of %u", n);
        s->armed[n] = fx->at_ms;
        break;
    case ORK_FX_DISARM:
        CHECK(s->armed[n], "DISARM of %u", n);
        s->armed[n] = 0;
        break;
    case ORK_FX_CHANGED:
        s->changed[n] = true;
        break;
    case ORK_FX_UNMAPPED:
        s->maps[n].there = false;
        break;
    case ORK_FX_KILL:
        s->agent[n].kill = true;
        break;
    case ORK_FX_RECALL:
        s->agent[n].recall = true;
        break;
    default:
        break;
    }
}

static void look(int event)
{
    const char *problem = ork_run_check(&s->run);

    CHECK(!problem, "%s", problem);
    for (uint32_t i = 0; i < s->run.len; i++) {
        const struct ork_run_task *t = &s->run.tasks[i];
        const uint32_t n = no(i);
        if (ork_run_is_item(&s->run, i) && ork_run_by_number(&s->run, n) != i)
            continue; /* nobody's any more */
        CHECK(s->ready[n] == !!(t->flags & ORK_RT_READY), "queue and flag of %u differ", n);
        CHECK(!ork_task_is_final(s->before[n]) || t->status == s->before[n] || event == ORK_EV_RETRY,
              "%u was %s and is %s", n, ork_task_status_name(s->before[n]), ork_task_status_name(t->status));
        CHECK(t->status == s->before[n] || s->changed[n] || event == ORK_EV_RESTORE, "%u moved in silence", n);
        s->before[n] = t->status;
    }
    if (s->run.live > s->live_most)
        s->live_most = s->run.live;
}

static int step(const struct ork_event *ev)
{
    struct ork_event e = *ev;
    const uint32_t n = ev->task < s->run.len ? no(ev->task) : 0;

    s->steps++;
    s->fx.len = 0;
    e.now_ms = ++s->now;
    e.random = roll(&s->dice);
    int rc = ork_run_step(&s->run, &e, &s->fx);
    CHECK(rc == 0 || s->fx.len == 0, "refused, but with effects");
    if (rc == 0 && (ev->type == ORK_EV_GRANT || ev->type == ORK_EV_REJECT || ev->type == ORK_EV_EXPANDED ||
                    ev->type == ORK_EV_WHEN_FALSE))
        s->ready[n] = false;
    if (rc == 0 && ev->type == ORK_EV_RETRY_DUE)
        s->armed[n] = 0;
    for (size_t i = 0; i < s->fx.len; i++)
        carry_out(&s->fx.items[i]);
    look(rc == 0 ? ev->type : -1);
    return rc;
}

static int send(int type, uint32_t task)
{
    return step(&(struct ork_event){.type = type, .task = task});
}

static bool is_mapped(uint32_t task)
{
    return task < s->run.n && (ork_workflow_def(s->w, task)->flags & ORK_TASK_EACH);
}

/* ---- the database and the agent --------------------------------------------------------------- */

static void commit(void)
{
    for (uint32_t i = 0; i < s->run.len; i++) {
        const uint32_t n = no(i);
        if (!s->changed[n] || (i >= s->run.n && ork_run_by_number(&s->run, n) != i))
            continue;
        s->changed[n] = false;
        s->rows[n] = (struct row){true, s->run.tasks[i]};
        if (is_live(s->run.tasks[i].status) && !ork_run_fan(&s->run, i) && s->agent[n].where == NOWHERE) {
            s->agent[n].where = QUEUED;
            s->agent[n].attempt = s->run.tasks[i].attempt;
        }
    }
    memcpy(s->map_rows, s->maps, sizeof(s->maps));
    s->run_row = s->run;
}

static void crash(void)
{
    struct ork_run old = s->run;

    memset(s->ready, 0, sizeof(s->ready));
    memset(s->armed, 0, sizeof(s->armed));
    memset(s->changed, 0, sizeof(s->changed));
    memset(s->before, 0, sizeof(s->before));
    memcpy(s->maps, s->map_rows, sizeof(s->maps));
    ork_run_init(&s->run, s->w);
    s->run.status = s->run_row.status;
    s->run.cancelling = s->run_row.cancelling;
    s->run.cancel_reason = s->run_row.cancel_reason;
    s->run.killed = s->run_row.killed;
    for (uint32_t i = s->run.n; i-- > 0;) /* in another order than they were expanded */
        if (s->maps[i].there) {
            ork_run_add_fan(&s->run, i, s->maps[i].number, s->maps[i].count, s->maps[i].max_failed);
            ork_run_keep_failed(&s->run, i, s->maps[i].kept);
        }
    for (uint32_t i = 0; i < s->run.len; i++) {
        const struct row *row = &s->rows[no(i)];
        struct ork_run_task *t = &s->run.tasks[i];
        if (!row->there)
            continue;
        t->status = s->before[no(i)] = row->t.status;
        t->attempt = row->t.attempt;
        t->failures = row->t.failures;
        t->lost = row->t.lost;
        t->retry_at_ms = row->t.retry_at_ms;
        t->kind = row->t.kind;
        t->stored = i >= s->run.n;
    }
    ork_run_fini(&old);
    CHECK(send(ORK_EV_RESTORE, ORK_NO_TASK) == 0, "RESTORE refused");
    if (s->run.status == ORK_RUN_PENDING)
        CHECK(send(ORK_EV_START, ORK_NO_TASK) == 0, "START refused");
    for (uint32_t i = 0; i < s->run.len; i++) {
        const struct ork_run_task *t = &s->run.tasks[i];
        const uint32_t n = no(i);
        const bool lives = is_live(t->status) && !ork_run_fan(&s->run, i);
        if (lives && (s->agent[n].where == NOWHERE || s->agent[n].attempt != t->attempt)) {
            /* committed, never sent; or its end was never stored: told again */
            s->agent[n].where = t->status == ORK_TASK_RUNNING ? STARTED : QUEUED;
            s->agent[n].attempt = t->attempt;
        } else if (!lives) {
            s->agent[n].where = NOWHERE;
        }
        s->agent[n].kill = t->flags & ORK_RT_KILLING;
    }
    commit();
}

static bool is_closed(uint32_t i)
{
    return ork_run_is_item(&s->run, i) && s->run.fans[s->run.tasks[i].fan - 1].closed;
}

static void agent_move(uint32_t i, uint32_t percent_ok)
{
    static const uint8_t kinds[] = {ORK_KIND_EXIT, ORK_KIND_LOST, ORK_KIND_TIMEOUT, ORK_KIND_OUTPUT};
    const uint32_t n = no(i), attempt = s->run.tasks[i].attempt;

    if (s->agent[n].where == QUEUED && s->agent[n].recall && !s->agent[n].kill) {
        s->agent[n].where = NOWHERE;
        (void)step(&(struct ork_event){.type = ORK_EV_RECALLED, .task = i, .attempt = attempt});
    } else if (s->agent[n].where == QUEUED && chance(&s->dice, 50)) {
        CHECK(!is_closed(i) || s->agent[n].kill, "%u starts though too many others failed", n);
        s->agent[n].where = STARTED;
        (void)step(&(struct ork_event){.type = ORK_EV_STARTED, .task = i, .attempt = attempt});
    } else if (s->agent[n].where != NOWHERE) {
        const bool ok = chance(&s->dice, percent_ok);
        s->agent[n].where = NOWHERE;
        (void)step(&(struct ork_event){.type = ORK_EV_EXITED,
                                       .task = i,
                                       .attempt = attempt,
                                       .ok = ok,
                                       .failure = {.kind = ok ? 0 : kinds[below(&s->dice, 4)], .exit_code = !ok}});
    }
}

static void expand(uint32_t task)
{
    struct ork_event ev = {.type = ORK_EV_EXPANDED, .task = task};

    if (!s->maps[task].there) {
        ev.count = chance(&s->dice, 2) ? 600 + below(&s->dice, 600) : below(&s->dice, 9);
        ev.number = s->next;
        ev.max_failed = chance(&s->dice, 50) ? 0 : below(&s->dice, 4);
        if (s->next + ev.count > NUMBERS)
            ev.count = 0;
        s->next += ev.count;
        s->maps[task] = (struct map){true, ev.number, ev.count, ev.max_failed, 0};
    }
    CHECK(step(&ev) == 0, "EXPANDED refused");
    s->maps[task].kept = ork_run_fan(&s->run, task)->kept;
}

static void queue_move(uint32_t i)
{
    const uint32_t n = no(i);

    if (s->armed[n] && chance(&s->dice, 50))
        CHECK(send(ORK_EV_RETRY_DUE, i) == 0, "RETRY_DUE refused");
    if (!s->ready[n])
        return;
    if (chance(&s->dice, 4))
        (void)step(&(struct ork_event){.type = ORK_EV_REJECT, .task = i, .failure = {.kind = ORK_KIND_TIMEOUT}});
    else if (is_mapped(i) && chance(&s->dice, 10)) /* each time it is asked */
        CHECK(send(ORK_EV_WHEN_FALSE, i) == 0, "WHEN_FALSE refused");
    else if (is_mapped(i))
        expand(i);
    else {
        CHECK(send(ORK_EV_GRANT, i) == 0, "GRANT refused");
        s->agent[n].kill = s->agent[n].recall = false;
    }
}

static void move(uint32_t i, uint32_t percent_ok)
{
    if (i >= s->run.n && ork_run_by_number(&s->run, no(i)) != i)
        return;
    queue_move(i);
    if (i < s->run.len && is_live(s->run.tasks[i].status) && !ork_run_fan(&s->run, i))
        agent_move(i, percent_ok);
}

static void wish(void)
{
    uint32_t what = below(&s->dice, 100);

    if (what < 45)
        (void)send(ORK_EV_PAUSE, ORK_NO_TASK);
    else if (what < 93)
        (void)send(ORK_EV_RESUME, ORK_NO_TASK);
    else
        (void)step(&(struct ork_event){.type = ORK_EV_CANCEL, .reason = 1 + (int)below(&s->dice, 3)});
}

/* Everything left is done; a run that cannot end is a lost item. */
static void finish(uint32_t percent_ok)
{
    for (uint32_t round = 0; !ork_run_is_final(s->run.status); round++) {
        CHECK(round < 3000, "the run does not end");
        commit();
        if (s->run.status == ORK_RUN_PAUSED)
            (void)send(ORK_EV_RESUME, ORK_NO_TASK);
        for (uint32_t i = 0; i < s->run.len; i++)
            move(i, percent_ok);
    }
    commit();
    for (uint32_t n = 0; n < NUMBERS; n++)
        CHECK(!s->rows[n].there || ork_task_is_final(s->rows[n].t.status), "%u is %s, and the run has ended", n,
              ork_task_status_name(s->rows[n].t.status));
    for (uint32_t i = 0; i < s->run.n; i++) {
        const struct ork_run_fan *f = ork_run_fan(&s->run, i);
        CHECK(s->run.tasks[i].status != ORK_TASK_FAILED || s->run.tasks[i].kind, "%u failed of no kind", i);
        if (!f || s->run.tasks[i].status != ORK_TASK_SUCCESS)
            continue;
        CHECK(f->final[ORK_TASK_FAILED] <= f->max_failed, "%u succeeded with too many failures", i);
        CHECK(f->final[ORK_TASK_FAILED] + f->final[ORK_TASK_SUCCESS] == f->count, "%u succeeded without all items", i);
    }
}

static ork_workflow *mapped_graph(struct dice *dice)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const char *const deps[] = {"", "a", "a b", "b", "c", "d e"};
    static const int rules[] = {ORK_RULE_ALL_SUCCESS, ORK_RULE_ALL_SUCCESS, ORK_RULE_ALL_DONE, ORK_RULE_ALWAYS,
                                ORK_RULE_ONE_FAILED};
    struct task tasks[8] = {0};
    uint32_t n = 1 + below(dice, 6);

    for (uint32_t i = 0; i < n; i++) {
        tasks[i] = (struct task){names[i], i && chance(dice, 70) ? deps[i] : "", ORK_RULE_ALL_SUCCESS,
                                 chance(dice, 60) ? ORK_TASK_EACH : 0, below(dice, 3)};
        if (*tasks[i].deps)
            tasks[i].rule = rules[below(dice, 5)];
        if (i == n - 1 && chance(dice, 25)) {
            tasks[i].flags |= ORK_TASK_FINALLY;
            tasks[i].rule = ORK_RULE_ALWAYS;
        }
    }
    return graph(tasks, chance(dice, 20) ? "{\"fail_fast\":true}" : NULL);
}

static void live(uint64_t seed)
{
    s = ork_zalloc(sizeof(*s));
    s->seed = seed;
    s->dice.state = seed;
    s->next = ITEMS;
    s->w = mapped_graph(&s->dice);
    ork_run_init(&s->run, s->w);
    const uint32_t percent_ok = 40 + below(&s->dice, 60), lives = 1 + below(&s->dice, 3);
    CHECK(send(ORK_EV_START, ORK_NO_TASK) == 0, "START refused");
    commit();
    for (uint32_t k = 0; k < lives; k++) {
        for (uint32_t i = below(&s->dice, 150); i > 0 && !ork_run_is_final(s->run.status); i--) {
            uint32_t what = below(&s->dice, 100);
            if (what < 3)
                wish();
            else if (what < 6)
                crash();
            else if (what < 25)
                commit();
            else
                move(below(&s->dice, s->run.len), percent_ok);
        }
        finish(percent_ok);
        uint32_t task = chance(&s->dice, 40) ? ORK_NO_TASK : below(&s->dice, s->run.len);
        (void)step(&(struct ork_event){
            .type = ORK_EV_RETRY, .task = task, .from = task != ORK_NO_TASK && chance(&s->dice, 50)});
        commit();
        if (chance(&s->dice, 30))
            crash();
    }
    finish(100);
    ork_effects_fini(&s->fx);
    ork_run_fini(&s->run);
    ork_workflow_unref(s->w);
    free(s);
}

static void random_lives(void **state)
{
    const char *one = getenv("ORK_SEED");

    (void)state;
    if (one) {
        live(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 600; seed++)
        live(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_lives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
