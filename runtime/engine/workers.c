/* SPDX-License-Identifier: MIT */
/* Which worker calls what, and how many there are; the idea is told in workers.h. */
#include "engine/workers.h"
#include "engine/engine.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- beginning ---- */

static bool before(const struct ork_heap_node *x, const struct ork_heap_node *y)
{
    const struct ork_call *a = ork_container(x, struct ork_call, place), *b = ork_container(y, struct ork_call, place);
    return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static int64_t number_of(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    char *end;
    long long n = text && *text ? strtoll(text, &end, 10) : 0;

    return n > 0 && !*end ? n : otherwise;
}

static void on_timer(uv_timer_t *t);

static struct ork_workers *workers_of(ork_engine *e)
{
    struct ork_workers *ws = e->workers;

    if (ws)
        return ws;
    ws = e->workers = ork_zalloc(sizeof(*ws));
    ws->engine = e;
    ork_heap_init(&ws->waiting[0], before);
    ork_heap_init(&ws->waiting[1], before);
    ws->cores = uv_available_parallelism();
    ws->idle_ms = number_of("ORK_WORKER_IDLE_MS", ORK_WORKER_IDLE_MS);
    int64_t mb = number_of("ORK_WORKER_MEMORY_MB", ORK_WORKER_MEMORY_MB);
    ws->memory_mb = (uint32_t)(mb < 16 ? 16 : mb > 1 << 20 ? 1 << 20 : mb);
    uv_timer_init(e->loop, &ws->timer);
    ws->timer.data = ws;
    uv_unref((uv_handle_t *)&ws->timer);
    return ws;
}

int ork_workers_find(ork_engine *e, ork_err *err)
{
    struct ork_workers *ws = workers_of(e);

    return ws->program ? 0 : ork_worker_find_program(&ws->program, err);
}

int ork_workers_may_start(ork_engine *e, const ork_workflow *w, ork_err *err)
{
    for (uint32_t i = 0; i < ork_workflow_len(w); i++) {
        if (ork_call_window(w, i) == ORK_WINDOW_LUA)
            return ork_workers_find(e, err);
    }
    return 0;
}

void ork_workers_hold(ork_engine *e, struct ork_call *c)
{
    struct ork_workers *ws = workers_of(e);

    if (c->held)
        return;
    c->held = true;
    ws->coming++;
    ws->bytes += c->input_len;
}

void ork_workers_ready(ork_engine *e, struct ork_call *c)
{
    struct ork_workers *ws = workers_of(e);

    ork_workers_hold(e, c);
    ws->coming--;
    c->number = ++ws->numbers;
    c->priority = ork_call_priority(c);
    ork_heap_push(&ws->waiting[c->alone], &c->place);
}

void ork_workers_back(ork_engine *e, struct ork_call *c)
{
    c->member = NULL;
    c->waits = false;
    c->priority = ork_call_priority(c);
    ork_heap_push(&e->workers->waiting[c->alone], &c->place);
}

/* ---- feeding ---- */

/* How many calls of this kind a worker is given at once: one, until it is known what they cost. */
static uint32_t window(const struct ork_call *c)
{
    double us = c->run->call_us;

    if (c->alone || us <= 0 || us >= ORK_WORKER_AHEAD_US)
        return 1;
    double n = ORK_WORKER_AHEAD_US / us;
    return n > ORK_WORKER_SLOTS ? ORK_WORKER_SLOTS : (uint32_t)n;
}

static bool takes(const struct ork_member *m, const struct ork_call *c)
{
    return !m->retires && !m->stalled && !m->alone && !m->killed && m->busy < ORK_WORKER_SLOTS &&
           (c->alone ? m->busy == 0 : ork_member_computing(m) < window(c)) &&
           ork_worker_unsent(m->worker) < ORK_WORKER_UNSENT;
}

/* A call of it slept, and goes on: of that, and of when it sleeps again, nothing is said. */
static bool woke(const struct ork_member *m)
{
    return m->busy > 0 && ork_member_computing(m) == 0 && atomic_load(&ork_worker_page(m->worker)->current) > 0;
}

static bool computes(const struct ork_member *m)
{
    return ork_member_computing(m) > 0 || woke(m);
}

/* What it has sleeps, and it takes no call of this kind beside that: it is no use, and in nobody's way. */
static bool rests(const struct ork_member *m, bool alone)
{
    return m->busy > 0 && !computes(m) && (alone || m->alone || m->retires || m->busy == ORK_WORKER_SLOTS);
}

/* Workers that are of use: while calls are long, one for each; while they are short or of unknown cost no more than
 * there are cores, since they compute, and as many as the work that waits needs to be done in a few milliseconds. */
static uint32_t wanted(const struct ork_workers *ws, const struct ork_call *c)
{
    double us = c->run->call_us, most = ws->cores < ws->engine->jobs ? ws->cores : ws->engine->jobs;
    const double waiting = (double)ws->waiting[c->alone].len;
    uint32_t busy = 0;

    for (const struct ork_member *m = ws->members; m; m = m->next)
        busy += computes(m);
    double more = us <= 0 || us >= ORK_WORKER_AHEAD_US ? waiting : 1 + waiting * us / (4.0 * ORK_WORKER_AHEAD_US);
    if (us >= ORK_WORKER_AHEAD_US)
        most = ws->engine->jobs;
    for (const struct ork_member *m = ws->members; m && most < ws->engine->jobs; m = m->next)
        most += m->stalled; /* it may sleep in the kernel */
    double all = busy + more;
    return all > most ? (uint32_t)most : (uint32_t)all;
}

/* May a worker begin for this call? Those that could take it, now or when they have computed, are enough, or not. */
static bool may_begin(const struct ork_workers *ws, const struct ork_call *c)
{
    uint32_t alive = 0, all = 0;

    for (const struct ork_member *m = ws->members; m; m = m->next) {
        if (rests(m, c->alone))
            continue;
        alive += !m->killed && !m->ended;
        all++;
    }
    return alive < wanted(ws, c) && all < 2 * ws->engine->jobs;
}

/* Are as many workers as may be there for nothing but to sleep? Those of calls that are alone and others are counted
 * apart: neither can keep the other from going on. */
static bool crowded(const struct ork_workers *ws, bool alone)
{
    uint32_t n = 0;

    for (const struct ork_member *m = ws->members; m; m = m->next)
        n += m->busy > 0 && ork_member_computing(m) == 0 &&
             (m->alone ? alone : !alone && (m->retires || m->busy == ORK_WORKER_SLOTS));
    return n >= ORK_WORKERS_ASLEEP * ws->engine->jobs;
}

static struct ork_member *choose(struct ork_workers *ws, const struct ork_call *c)
{
    struct ork_member *best = NULL;
    ork_err err;

    for (struct ork_member *m = ws->members; m; m = m->next) {
        if (takes(m, c) && (!best || ork_member_computing(m) < ork_member_computing(best)))
            best = m;
    }
    if ((best && ork_member_computing(best) == 0) || !may_begin(ws, c) || crowded(ws, c->alone))
        return best;
    if (best && window(c) > 1 && ws->waiting[0].len < window(c))
        return best; /* soon done there */
    struct ork_member *m = ork_workers_find(ws->engine, &err) == 0 ? ork_member_new(ws->engine, &err) : NULL;
    if (!m && !best && ws->len == 0)
        ork_workers_broken(ws->engine, err.msg);
    return m ? m : best;
}

/* Whose turn it is, and who takes it. The first of all has everybody behind it wait for a worker that computes; for
 * those that only sleep waits none but its own kind. */
static struct ork_call *next(struct ork_workers *ws, struct ork_member **m)
{
    struct ork_heap_node *n[2] = {ork_heap_peek(&ws->waiting[0]), ork_heap_peek(&ws->waiting[1])};

    if (n[1] && crowded(ws, true))
        n[1] = NULL;
    while (n[0] || n[1]) {
        const bool alone = !n[0] || (n[1] && before(n[1], n[0]));
        struct ork_call *c = ork_container(n[alone], struct ork_call, place);
        if ((*m = choose(ws, c)))
            return c;
        if (!crowded(ws, alone))
            return NULL;
        n[alone] = NULL;
    }
    return NULL;
}

/* While everything that is held sleeps, or waits for what sleeps, one more may come: it may be what they wait for. */
bool ork_workers_full(const ork_engine *e)
{
    const struct ork_workers *ws = e->workers;

    if (!ws || ws->bytes <= ORK_WORKERS_INPUTS)
        return false;
    bool moves = ws->coming > 0 || ws->waiting[0].len > 0 || (ws->waiting[1].len > 0 && !crowded(ws, true));
    for (const struct ork_member *m = ws->members; m && !moves; m = m->next)
        moves = computes(m);
    return moves;
}

void ork_workers_feed(ork_engine *e)
{
    struct ork_workers *ws = e->workers;
    struct ork_member *m;
    struct ork_call *c;

    if (!ws || e->fenced || e->closing || e->ending)
        return;
    while ((c = next(ws, &m))) {
        ork_heap_remove(&ws->waiting[c->alone], &c->place);
        ork_member_hand(m, c);
    }
    for (m = ws->members; m; m = m->next)
        ork_worker_flush(m->worker);
    ws->held = ws->waiting[0].len > 0 || ws->waiting[1].len > 0 || ws->bytes > ORK_WORKERS_INPUTS;
    ork_workers_arm(e);
}

/* Does it begin with functions? */
static bool begins_with_calls(const ork_workflow *w)
{
    const struct ork_csr *deps = ork_workflow_deps(w);

    for (uint32_t i = 0; i < ork_workflow_len(w); i++) {
        if (deps->first[i] == deps->first[i + 1] && ork_workflow_def(w, i)->executor == ORK_EXEC_LUA)
            return true;
    }
    return false;
}

/* A large script takes a worker as long to load as its rows take to be stored, and meanwhile a core is idle. */
void ork_workers_expect(struct ork_active *a)
{
    struct ork_workers *ws = workers_of(a->engine);
    const uint32_t jobs = a->engine->jobs, most = ws->cores < jobs ? ws->cores : jobs;
    ork_err err;

    if (!begins_with_calls(a->workflow) || ork_workers_find(a->engine, &err) != 0)
        return;
    while (ws->len < most) {
        struct ork_member *m = ork_member_new(a->engine, &err);
        if (!m)
            return;
        ork_member_expect(m, a);
    }
    ork_workers_arm(a->engine);
}

void ork_workers_broken(ork_engine *e, const char *why)
{
    struct ork_workers *ws = e->workers;
    struct ork_heap_node *n;
    char *text = ork_strdup(why);

    while ((n = ork_heap_pop(&ws->waiting[0])) || (n = ork_heap_pop(&ws->waiting[1])))
        ork_call_end(ork_container(n, struct ork_call, place),
                     &(struct ork_inline_result){.error = text, .kind = ORK_KIND_SPAWN});
    ork_free(text);
}

/* ---- time ---- */

/* When something is to be done about it; 0: nothing. */
static int64_t due(const struct ork_workers *ws, const struct ork_member *m)
{
    if (m->killed || m->ended)
        return 0;
    if (m->busy == 0)
        return m->moved_ms + ws->idle_ms;
    return ork_member_computing(m) > 0 && !m->stalled ? m->moved_ms + ORK_WORKER_STALL_MS + m->patience_ms : 0;
}

void ork_workers_arm(ork_engine *e)
{
    struct ork_workers *ws = e->workers;
    int64_t first = 0;

    for (const struct ork_member *m = ws->members; m; m = m->next) {
        int64_t at = ws->held && woke(m) ? ork_call_mono(e) + ORK_WORKER_STALL_MS : due(ws, m);
        if (at && (!first || at < first))
            first = at;
    }
    if (!first) {
        uv_timer_stop(&ws->timer);
        return;
    }
    if (uv_is_active((uv_handle_t *)&ws->timer) && ws->armed_ms <= first)
        return; /* it looks again then: cheaper than setting it at each answer */
    int64_t left = first - ork_call_mono(e);
    ws->armed_ms = first;
    uv_update_time(e->loop);
    uv_timer_start(&ws->timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

static void on_timer(uv_timer_t *t)
{
    struct ork_workers *ws = t->data;
    int64_t now = ork_call_mono(ws->engine);

    for (struct ork_member *m = ws->members; m; m = m->next) {
        int64_t at = due(ws, m);
        if (!at || at > now)
            continue;
        if (m->busy == 0)
            ork_member_retire(m);
        else
            ork_member_stall(m);
    }
    ork_workers_feed(ws->engine);
    ork_workers_arm(ws->engine);
}

int64_t ork_workers_left(ork_engine *e, const struct ork_call *c, int64_t timeout_ms)
{
    struct timespec t;

    (void)e;
    if (!c->member || !ork_member_began(c->member, c))
        return timeout_ms;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    return timeout_ms - (now - atomic_load(&ork_worker_page(c->member->worker)->slots[c->slot].begun_ms));
}

/* ---- ends ---- */

void ork_workers_forget(ork_engine *e, struct ork_call *c)
{
    struct ork_workers *ws = e->workers;

    if (ws && c->held) {
        ws->bytes -= c->input_len;
        ws->coming -= !c->number;
        c->held = false;
    }
    if (!ws || !c->number)
        return;
    ork_heap_remove(&ws->waiting[c->alone], &c->place);
    if (c->member)
        ork_member_release(c->member, c->slot);
    c->member = NULL;
    c->number = 0;
}

void ork_workers_leave(ork_engine *e, struct ork_call *c)
{
    struct ork_member *m = c->member;

    if (m && !ork_member_revoke(m, c)) {
        if (ork_member_began(m, c))
            ork_member_kill(m); /* no second attempt may begin beside it */
        m->calls[c->slot] = NULL;
        c->member = NULL; /* the slot is used until the worker says otherwise */
    }
    ork_workers_forget(e, c);
}

bool ork_workers_recall(ork_engine *e, struct ork_call *c)
{
    if (c->member && !ork_member_revoke(c->member, c))
        return false;
    ork_workers_forget(e, c);
    return true;
}

void ork_workers_stop(ork_engine *e, struct ork_call *c, bool now)
{
    struct ork_member *m = c->member;

    if (!m || ork_member_revoke(m, c)) {
        ork_call_end(c, &(struct ork_inline_result){.error = "it never began"});
        ork_workers_arm(e);
        return;
    }
    if (now) {
        ork_member_kill(m);
        return;
    }
    atomic_store(&ork_worker_page(m->worker)->slots[c->slot].stop,
                 ork_slot_word(m->generation[c->slot], ORK_SLOT_STARTED));
    ork_worker_interrupt(m->worker);
}

static void on_closed(uv_handle_t *h)
{
    h->data = NULL;
}

void ork_workers_close(ork_engine *e)
{
    struct ork_workers *ws = e->workers;

    if (!ws)
        return;
    for (struct ork_member *m = ws->members; m; m = m->next) {
        ork_member_kill(m);
        ork_worker_ref(m->worker, true);
    }
    while (ws->members)
        uv_run(e->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&ws->timer, on_closed);
    while (ws->timer.data)
        uv_run(e->loop, UV_RUN_ONCE);
    ork_heap_fini(&ws->waiting[0]);
    ork_heap_fini(&ws->waiting[1]);
    ork_free(ws->program);
    ork_free(ws);
    e->workers = NULL;
}
