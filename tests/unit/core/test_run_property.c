/* SPDX-License-Identifier: MIT */
/* Random graphs under random orders of events, with an engine, a database and an agent made of arrays. The engine
 * commits at random moments and is killed at random moments: what was not committed is forgotten, the agent tells again
 * what was not acknowledged. After every step the run's books are recounted and its decisions compared with rules
 * written down anew here. A failure prints the seed; ORK_SEED=<n> runs that one alone. */
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

enum where { NOWHERE, QUEUED, STARTED, EXITED };

struct agent_task { /* what the agent knows of the newest attempt */
    enum where where;
    uint32_t attempt;
    bool ok, kill, recall;
    int kind;
};
struct sim {
    uint64_t seed;
    struct dice dice;
    ork_workflow *w;
    struct ork_run run;
    struct ork_effects fx;
    struct ork_run_task *rows; /* the committed tasks … */
    struct ork_run run_row;    /* … and run (its tasks pointer unused) */
    struct agent_task *agent;
    struct ork_effect *after; /* to be done once the batch is committed */
    size_t after_len, after_cap;
    bool *ready;
    int64_t *armed;
    uint8_t *before;
    uint8_t *outside; /* NULL: the run has all tasks */
    int64_t now;
    uint32_t steps;
    char last[160];
};

static void wrong(struct sim *s, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
static void wrong(struct sim *s, const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fail_msg("seed %llu, step %u (%s): %s", (unsigned long long)s->seed, s->steps, s->last, text);
    abort();
}
#define CHECK(cond, ...)                                                                                               \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            wrong(s, __VA_ARGS__);                                                                                     \
    } while (0)

/* ---- the rules, once more --------------------------------------------------------------------- */

static bool is_last(const struct sim *s, uint32_t t)
{
    return ork_workflow_def(s->w, t)->flags & ORK_TASK_FINALLY;
}

/* 1 may run, -1 never, 0 not decided. */
static int verdict(const struct sim *s, const struct ork_run_task *tasks, uint32_t t)
{
    const struct ork_csr *deps = ork_workflow_deps(s->w);
    uint32_t all = 0, done = 0, good = 0, bad = 0, edges = 0;

    for (uint32_t d = 0; d < s->run.n; d++) {
        bool dep = is_last(s, t) && !is_last(s, d);
        for (uint32_t e = deps->first[t]; e < deps->first[t + 1]; e++)
            dep |= deps->to[e] == d;
        if (!dep)
            continue;
        edges++;
        if (s->outside && s->outside[d])
            continue;
        int status = tasks[d].status;
        all++;
        done += ork_task_is_final(status);
        good += status == ORK_TASK_SUCCESS;
        bad += status == ORK_TASK_FAILED || status == ORK_TASK_CANCELLED;
    }
    if (edges && !all) /* of what it waits for nothing is part of this run */
        return 1;
    switch (ork_workflow_def(s->w, t)->rule) {
    case ORK_RULE_ALL_SUCCESS:
        return good == all ? 1 : done > good ? -1 : 0;
    case ORK_RULE_NONE_FAILED:
        return bad ? -1 : done < all ? 0 : good || !all ? 1 : -1;
    case ORK_RULE_ALL_FAILED:
        return bad == all ? 1 : done > bad ? -1 : 0;
    case ORK_RULE_ONE_FAILED:
        return bad ? 1 : done == all ? -1 : 0;
    case ORK_RULE_ONE_SUCCESS:
        return good ? 1 : done == all ? -1 : 0;
    default:
        return done == all;
    }
}

/* ---- steps ------------------------------------------------------------------------------------ */

static void carry_out(struct sim *s, const struct ork_effect *fx)
{
    const uint32_t t = fx->task;

    switch (fx->type) {
    case ORK_FX_READY:
        CHECK(!s->ready[t], "READY of %u twice", t);
        CHECK(verdict(s, s->run.tasks, t) == 1, "READY of %u before its rule allows it", t);
        s->ready[t] = true;
        s->armed[t] = 0;
        break;
    case ORK_FX_UNREADY:
        CHECK(s->ready[t], "UNREADY of %u, which is not ready", t);
        s->ready[t] = false;
        break;
    case ORK_FX_ARM:
        CHECK(!s->armed[t] && !s->ready[t] && fx->at_ms > 0, "ARM of %u", t);
        s->armed[t] = fx->at_ms;
        break;
    case ORK_FX_DISARM:
        CHECK(s->armed[t], "DISARM of %u, which is not armed", t);
        s->armed[t] = 0;
        break;
    case ORK_FX_SKIPPED:
        CHECK(s->run.tasks[t].status == ORK_TASK_SKIPPED, "SKIPPED of %u", t);
        CHECK(fx->cause == ORK_NO_TASK || ork_task_is_final(s->run.tasks[fx->cause].status), "cause of %u", t);
        break;
    case ORK_FX_KILL:
    case ORK_FX_RECALL:
    case ORK_FX_CHANGED: {
        void *items = s->after;
        ork_grow(&items, &s->after_cap, s->after_len + 1, sizeof(*s->after));
        s->after = items;
        s->after[s->after_len++] = *fx;
        break;
    }
    default:
        break;
    }
}

static void look(struct sim *s, int event)
{
    const char *problem = ork_run_check(&s->run);

    CHECK(!problem, "%s", problem);
    for (uint32_t t = 0; t < s->run.n; t++) {
        const struct ork_run_task *r = &s->run.tasks[t];
        CHECK(s->ready[t] == !!(r->flags & ORK_RT_READY), "queue and flag of %u differ", t);
        CHECK(!ork_task_is_final(s->before[t]) || r->status == s->before[t] || event == ORK_EV_RETRY,
              "%u was %s and is %s", t, ork_task_status_name(s->before[t]), ork_task_status_name(r->status));
        CHECK(r->status == s->before[t] || event == ORK_EV_RESTORE || event == ORK_EV_RETRY ||
                  ork_task_may_move(s->before[t], r->status) || event == ORK_EV_EXITED,
              "%u moved from %s to %s", t, ork_task_status_name(s->before[t]), ork_task_status_name(r->status));
        s->before[t] = r->status;
        if (s->run.status == ORK_RUN_PENDING || r->status != ORK_TASK_PENDING)
            continue;
        int v = verdict(s, s->run.tasks, t);
        CHECK(v >= 0, "%u waits for what cannot come", t);
        CHECK(s->run.status != ORK_RUN_RUNNING || v == 0 || s->ready[t] || s->armed[t], "%u is forgotten", t);
    }
}

static int step(struct sim *s, const struct ork_event *ev)
{
    const int status = s->run.status;
    size_t from = s->fx.len = 0;
    struct ork_event e = *ev;
    bool told = false;

    s->steps++;
    e.now_ms = s->now;
    e.random = roll(&s->dice);
    snprintf(s->last, sizeof(s->last), "event %d task %d attempt %u ok %d kind %d", ev->type, (int)ev->task,
             ev->attempt, ev->ok, ev->failure.kind);
    int rc = ork_run_step(&s->run, &e, &s->fx);
    CHECK(rc == 0 || s->fx.len == from, "refused, but with effects");
    if (rc == 0 && (ev->type == ORK_EV_GRANT || ev->type == ORK_EV_WHEN_FALSE || ev->type == ORK_EV_REJECT))
        s->ready[ev->task] = false;
    if (rc == 0 && ev->type == ORK_EV_RETRY_DUE)
        s->armed[ev->task] = 0;
    for (; from < s->fx.len; from++) {
        told |= s->fx.items[from].type == ORK_FX_RUN_CHANGED;
        carry_out(s, &s->fx.items[from]);
    }
    CHECK(told || status == s->run.status, "the run moved without saying so");
    look(s, rc == 0 ? ev->type : -1);
    return rc;
}

static int send(struct sim *s, int type, uint32_t task)
{
    return step(s, &(struct ork_event){.type = type, .task = task});
}

/* ---- the database and the agent --------------------------------------------------------------- */

static bool is_live(int status)
{
    return status == ORK_TASK_DISPATCHED || status == ORK_TASK_RUNNING;
}

static void commit(struct sim *s)
{
    memcpy(s->rows, s->run.tasks, s->run.n * sizeof(*s->rows));
    s->run_row = s->run;
    for (size_t i = 0; i < s->after_len; i++) {
        const struct ork_effect *fx = &s->after[i];
        struct agent_task *a = &s->agent[fx->task];
        const struct ork_run_task *t = &s->rows[fx->task];
        if (fx->type == ORK_FX_CHANGED && t->status == ORK_TASK_DISPATCHED && a->attempt != t->attempt) {
            CHECK(a->where == NOWHERE || a->where == EXITED, "%u starts beside its predecessor", fx->task);
            *a = (struct agent_task){.where = QUEUED, .attempt = t->attempt};
        }
        if (fx->type == ORK_FX_KILL && a->attempt == fx->attempt)
            a->kill = true;
        if (fx->type == ORK_FX_RECALL && a->attempt == fx->attempt)
            a->recall = true;
    }
    s->after_len = 0;
    for (uint32_t t = 0; t < s->run.n; t++) /* the result is stored: the agent may forget it */
        if (s->agent[t].where == EXITED && !(is_live(s->rows[t].status) && s->rows[t].attempt == s->agent[t].attempt))
            s->agent[t].where = NOWHERE;
}

static void tell_exit(struct sim *s, uint32_t t)
{
    struct agent_task *a = &s->agent[t];

    a->where = EXITED;
    (void)step(s, &(struct ork_event){.type = ORK_EV_EXITED,
                                      .task = t,
                                      .attempt = a->attempt,
                                      .ok = a->ok,
                                      .failure = {.kind = a->kind, .exit_code = a->ok ? 0 : 1},
                                      .retry_after_ms = chance(&s->dice, 5)   ? -1
                                                        : chance(&s->dice, 5) ? 77
                                                                              : 0});
}

static void agent_exit(struct sim *s, uint32_t t, uint32_t percent_ok)
{
    static const uint8_t kinds[] = {ORK_KIND_EXIT, ORK_KIND_EXIT, ORK_KIND_LOST, ORK_KIND_TIMEOUT, ORK_KIND_OUTPUT};
    struct agent_task *a = &s->agent[t];

    a->ok = chance(&s->dice, percent_ok);
    a->kind = a->ok ? ORK_KIND_NONE : kinds[below(&s->dice, 5)];
    tell_exit(s, t);
}

static void leave_out(struct sim *s)
{
    if (s->outside) {
        uint8_t *mine = ork_zalloc(s->run.n);
        memcpy(mine, s->outside, s->run.n);
        ork_run_leave_out(&s->run, mine);
    }
}

/* The scheduler dies and another one takes the run up from the rows. */
static void crash(struct sim *s)
{
    struct ork_run old = s->run;
    bool *was_ready = s->ready;
    const bool clean = memcmp(s->rows, old.tasks, old.n * sizeof(*s->rows)) == 0 && s->run_row.status == old.status &&
                       s->run_row.cancelling == old.cancelling && s->run_row.killed == old.killed;

    s->ready = ork_zalloc(old.n * sizeof(*s->ready));
    memset(s->armed, 0, old.n * sizeof(*s->armed));
    s->after_len = 0;
    ork_run_init(&s->run, s->w);
    leave_out(s);
    s->run.status = s->run_row.status;
    s->run.cancelling = s->run_row.cancelling;
    s->run.cancel_reason = s->run_row.cancel_reason;
    s->run.killed = s->run_row.killed;
    for (uint32_t t = 0; t < old.n; t++) {
        const struct ork_run_task *row = &s->rows[t];
        s->run.tasks[t].status = s->before[t] = row->status;
        s->run.tasks[t].attempt = row->attempt;
        s->run.tasks[t].failures = row->failures;
        s->run.tasks[t].lost = row->lost;
        s->run.tasks[t].retry_at_ms = row->retry_at_ms;
    }
    if (send(s, ORK_EV_RESTORE, ORK_NO_TASK) != 0)
        wrong(s, "RESTORE refused");
    for (uint32_t t = 0; t < old.n; t++) {
        const struct ork_run_task *a = &old.tasks[t], *b = &s->run.tasks[t];
        if (clean)
            CHECK(a->status == b->status && a->attempt == b->attempt && a->failures == b->failures &&
                      a->unmet == b->unmet && a->ok == b->ok && a->bad == b->bad && a->skipped == b->skipped &&
                      (a->flags & ORK_RT_KILLING) == (b->flags & ORK_RT_KILLING) &&
                      (!was_ready[t] || s->ready[t] || s->armed[t]) && (!s->ready[t] || was_ready[t]),
                  "%u is another after the restart", t);
        struct agent_task *g = &s->agent[t];
        if (is_live(b->status) && g->attempt != b->attempt) /* committed, never sent: sent now */
            *g = (struct agent_task){.where = QUEUED, .attempt = b->attempt};
        else if (is_live(b->status) && g->where == NOWHERE) /* recalled, but that was not committed */
            g->where = QUEUED;
    }
    if (clean)
        CHECK(old.status == s->run.status && old.live == s->run.live && old.open == s->run.open &&
                  memcmp(old.final, s->run.final, sizeof(old.final)) == 0,
              "the run is another after the restart");
    free(was_ready);
    ork_run_fini(&old);
    if (s->run.status == ORK_RUN_PENDING)
        CHECK(send(s, ORK_EV_START, ORK_NO_TASK) == 0, "START refused");
    commit(s);
    for (uint32_t t = 0; t < s->run.n; t++) { /* HELLO: the agent tells what it holds */
        struct agent_task *g = &s->agent[t];
        if (g->where == EXITED)
            tell_exit(s, t);
        else if (g->where == STARTED)
            (void)step(s, &(struct ork_event){.type = ORK_EV_STARTED, .task = t, .attempt = g->attempt});
    }
}

/* ---- one life --------------------------------------------------------------------------------- */

static void agent_move(struct sim *s, uint32_t t, uint32_t percent_ok)
{
    struct agent_task *a = &s->agent[t];

    if (a->where == EXITED || a->where == NOWHERE)
        return;
    if (a->where == QUEUED && a->recall && !a->kill) {
        a->where = NOWHERE;
        (void)step(s, &(struct ork_event){.type = ORK_EV_RECALLED, .task = t, .attempt = a->attempt});
    } else if (a->kill || a->where == STARTED || chance(&s->dice, 5)) { /* killed, done, or could not start */
        agent_exit(s, t, percent_ok);
    } else {
        a->where = STARTED;
        (void)step(s, &(struct ork_event){.type = ORK_EV_STARTED, .task = t, .attempt = a->attempt});
    }
}

static void stale(struct sim *s, uint32_t t)
{
    static const int types[] = {ORK_EV_STARTED, ORK_EV_EXITED, ORK_EV_RECALLED};
    struct ork_event ev = {.type = types[below(&s->dice, 3)], .task = t, .ok = chance(&s->dice, 50)};

    ev.attempt = s->run.tasks[t].attempt + (chance(&s->dice, 50) ? 1 : UINT32_MAX);
    CHECK(step(s, &ev) == ORK_EINVAL, "a message of another attempt was taken");
    if (!is_live(s->run.tasks[t].status)) {
        ev.attempt = s->run.tasks[t].attempt;
        CHECK(step(s, &ev) == ORK_EINVAL, "a message of an attempt that ended was taken");
    }
    ev = (struct ork_event){.type = ORK_EV_GRANT, .task = s->run.n + below(&s->dice, 3)};
    CHECK(step(s, &ev) == ORK_EINVAL, "an event of no task was taken");
}

static void wish(struct sim *s)
{
    uint32_t what = below(&s->dice, 100);

    if (what < 40)
        (void)send(s, ORK_EV_PAUSE, ORK_NO_TASK);
    else if (what < 85)
        (void)send(s, ORK_EV_RESUME, ORK_NO_TASK);
    else
        (void)step(s, &(struct ork_event){.type = ORK_EV_CANCEL, .reason = 1 + (int)below(&s->dice, 3)});
}

static void queue_move(struct sim *s, uint32_t t)
{
    if (s->armed[t] && chance(&s->dice, 50)) {
        s->now = s->armed[t] > s->now ? s->armed[t] : s->now;
        CHECK(send(s, ORK_EV_RETRY_DUE, t) == 0, "RETRY_DUE refused");
    }
    if (!s->ready[t]) {
        CHECK(send(s, ORK_EV_GRANT, t) == ORK_ESTATE, "GRANT of a task that is not ready");
        return;
    }
    uint32_t what = below(&s->dice, 100), attempt = s->run.tasks[t].attempt;
    if (what < 4) {
        CHECK(send(s, ORK_EV_WHEN_FALSE, t) == 0, "WHEN_FALSE refused");
    } else if (what < 8) {
        struct ork_event ev = {.type = ORK_EV_REJECT, .task = t, .failure = {.kind = ORK_KIND_TIMEOUT}};
        CHECK(step(s, &ev) == 0, "REJECT refused");
    } else {
        CHECK(send(s, ORK_EV_GRANT, t) == 0, "GRANT refused");
        CHECK(s->run.tasks[t].attempt == attempt + 1, "the fence did not rise");
    }
}

static void live_on(struct sim *s, uint32_t steps, uint32_t percent_ok)
{
    const bool wishes = chance(&s->dice, 60), crashes = chance(&s->dice, 60);

    for (uint32_t i = 0; i < steps; i++) {
        uint32_t what = below(&s->dice, 100), t = below(&s->dice, s->run.n);
        s->now += below(&s->dice, 20);
        if (what < 40)
            queue_move(s, t);
        else if (what < 75)
            agent_move(s, t, percent_ok);
        else if (what < 90)
            commit(s);
        else if (what < 93)
            stale(s, t);
        else if (what < 96 && wishes)
            wish(s);
        else if (what < 98 && crashes)
            crash(s);
    }
}

/* Everybody does what he is asked: the run must end. */
static void drain(struct sim *s, uint32_t percent_ok)
{
    for (uint32_t round = 0; !ork_run_is_final(s->run.status); round++) {
        CHECK(round < 400 + 40 * s->run.n, "the run does not end: live %u", s->run.live);
        if (s->run.status == ORK_RUN_PAUSED)
            CHECK(send(s, ORK_EV_RESUME, ORK_NO_TASK) == 0, "RESUME refused");
        commit(s);
        for (uint32_t t = 0; t < s->run.n; t++) {
            if (s->ready[t] || s->armed[t])
                queue_move(s, t);
            agent_move(s, t, percent_ok);
        }
    }
    uint32_t failed = s->run.final[ORK_TASK_FAILED], cancelled = s->run.final[ORK_TASK_CANCELLED];
    int want = s->run.cancel_reason == ORK_CANCEL_USER ? ORK_RUN_CANCELLED
               : s->run.cancelling || failed           ? ORK_RUN_FAILED
               : cancelled                             ? ORK_RUN_CANCELLED
                                                       : ORK_RUN_SUCCESS;
    CHECK(s->run.status == want, "ended %s", ork_run_status_name(s->run.status));
    for (uint32_t t = 0; t < s->run.n; t++)
        CHECK(!s->ready[t] && !s->armed[t], "%u is still in the queue", t);
    commit(s);
}

static void retry_random(struct sim *s)
{
    struct ork_event ev = {.type = ORK_EV_RETRY, .task = ORK_NO_TASK};

    if (chance(&s->dice, 60)) {
        ev.task = below(&s->dice, s->run.n);
        ev.from = chance(&s->dice, 50);
    }
    uint32_t bad = s->run.final[ORK_TASK_FAILED] + s->run.final[ORK_TASK_SKIPPED] + s->run.final[ORK_TASK_CANCELLED];
    for (uint32_t t = 0; s->outside && t < s->run.n; t++)
        bad -= s->outside[t] && s->run.tasks[t].status == ORK_TASK_SKIPPED;
    const bool of_ours = ev.task == ORK_NO_TASK || !s->outside || !s->outside[ev.task];
    bool allowed =
        !of_ours ? false
                 : ev.from || (s->run.status != ORK_RUN_SUCCESS &&
                               (ev.task == ORK_NO_TASK ? bad > 0 : s->run.tasks[ev.task].status != ORK_TASK_SUCCESS));
    int rc = step(s, &ev);
    CHECK((rc == 0) == allowed, "RETRY gave %d", rc);
    if (rc < 0)
        return;
    CHECK(ev.task == ORK_NO_TASK || s->run.tasks[ev.task].failures == 0, "RETRY kept the failures");
    bool tidies = true, again = false;
    for (uint32_t t = 0; t < s->run.n; t++) {
        const bool open = !ork_task_is_final(s->run.tasks[t].status);
        again |= open && !is_last(s, t);
        tidies &= open || !is_last(s, t) || (s->outside && s->outside[t]);
    }
    CHECK(!again || tidies, "`finally` does not run again");
    commit(s);
}

/* A part of the definition: some tasks are left out, some of those have their success from elsewhere. */
static void choose_part(struct sim *s)
{
    if (!chance(&s->dice, 30))
        return;
    s->outside = ork_zalloc(s->run.n);
    const uint32_t percent = 10 + below(&s->dice, 90);
    for (uint32_t t = 0; t < s->run.n; t++) {
        s->outside[t] = chance(&s->dice, percent);
        if (s->outside[t] && chance(&s->dice, 30))
            s->run.tasks[t].status = s->before[t] = ORK_TASK_SUCCESS;
    }
    leave_out(s);
    CHECK(send(s, ORK_EV_RESTORE, ORK_NO_TASK) == 0, "RESTORE refused");
}

static void live(uint64_t seed, uint32_t most)
{
    struct sim sim = {.seed = seed, .dice = {seed}, .now = 1}, *s = &sim;
    const uint32_t percent_ok = 30 + below(&s->dice, 70);

    s->w = random_graph(&s->dice, most);
    ork_run_init(&s->run, s->w);
    const uint32_t n = s->run.n;
    s->rows = ork_zalloc(n * sizeof(*s->rows));
    s->agent = ork_zalloc(n * sizeof(*s->agent));
    s->ready = ork_zalloc(n * sizeof(*s->ready));
    s->armed = ork_zalloc(n * sizeof(*s->armed));
    s->before = ork_zalloc(n);
    choose_part(s);
    commit(s);
    if (chance(&s->dice, 90))
        CHECK(send(s, ORK_EV_START, ORK_NO_TASK) == 0, "START refused");
    else
        wish(s);
    if (s->run.status == ORK_RUN_PENDING)
        CHECK(send(s, ORK_EV_START, ORK_NO_TASK) == 0, "START refused");
    for (int round = 0; round < 3; round++) {
        live_on(s, 4 * n + below(&s->dice, 8 * n), percent_ok);
        drain(s, percent_ok);
        crash(s);
        retry_random(s);
    }
    free(s->rows);
    free(s->agent);
    free(s->ready);
    free(s->armed);
    free(s->before);
    free(s->outside);
    free(s->after);
    ork_effects_fini(&s->fx);
    ork_run_fini(&s->run);
    ork_workflow_unref(s->w);
}

static void lives(uint64_t first, uint32_t count, uint32_t most)
{
    const char *one = getenv("ORK_SEED");

    if (one) {
        live(strtoull(one, NULL, 10), most);
        return;
    }
    for (uint64_t seed = first; seed < first + count; seed++)
        live(seed, most);
}

static void small_graphs(void **state)
{
    (void)state;
    lives(1, 6000, 8);
}

static void middle_graphs(void **state)
{
    (void)state;
    lives(100001, 300, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_graphs),
        cmocka_unit_test(middle_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
