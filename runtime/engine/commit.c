/* SPDX-License-Identifier: MIT */
/* Group commit. While one batch is at the store the next is collected; changes of the same task row collapse into one
 * put.
 *
 *   current (collected) ──full──► queue (FIFO) ──► inflight ──store──► after-list ──► gone
 *
 * What a failure means:
 *   ORK_EDATA    the database refuses one value: refuse.c takes it out, the rest commits. ORK_EFENCED  another
 * scheduler took over: everything in memory is void. anything else: the database is away. The batch is kept and tried
 * again with backoff, dispatch is off; a caller that waits for it while nothing runs gets the error instead. */
#include "engine/engine.h"
#include "engine/sub.h"
#include <string.h>
#include <unistd.h>

#define MAX_ROWS 2000
#define MAX_BYTES (8u << 20)

static struct ork_commit *commit_new(void)
{
    return ork_zalloc(sizeof(struct ork_commit));
}

void ork_commit_after_fini(struct ork_after *x)
{
    if (x->run)
        ork_active_unref(x->run);
    ork_free(x->error);
    ork_free(x->waits);
    ork_free(x->remove[0]);
    ork_free(x->remove[1]);
    ork_free(x->folder);
}

static void commit_free(struct ork_commit *c)
{
    struct ork_touch *t, *tmp;

    HASH_ITER(hh, c->touched, t, tmp)
    {
        HASH_DEL(c->touched, t);
        ork_free(t);
    }
    for (size_t i = 0; i < c->batch.len; i++) {
        if (c->unit_run[i])
            ork_active_unref(c->unit_run[i]);
    }
    for (size_t i = 0; i < c->after_len; i++)
        ork_commit_after_fini(&c->after[i]);
    for (size_t i = 0; i < c->texts_len; i++)
        ork_free(c->texts[i]);
    ork_free(c->texts);
    ork_free(c->after);
    ork_free(c->unit_run);
    ork_batch_fini(&c->batch);
    ork_free(c);
}

static struct ork_commit *current(ork_engine *e)
{
    if (!e->current)
        e->current = commit_new();
    return e->current;
}

static void enqueue(ork_engine *e, struct ork_commit *c)
{
    struct ork_commit **tail = &e->queue;

    while (*tail)
        tail = &(*tail)->next;
    *tail = c;
}

/* A full batch goes to the queue. Only a new unit may do that: texts and consequences are handed over after their unit,
 * so they land in the same batch or a later one and never die before it. */
static struct ork_commit *with_room(ork_engine *e)
{
    if (e->current && (e->current->batch.rows >= MAX_ROWS || e->current->batch.bytes >= MAX_BYTES)) {
        enqueue(e, e->current);
        e->current = NULL;
    }
    return current(e);
}

void ork_commit_together(ork_engine *e, size_t rows)
{
    if (e->current && e->current->batch.rows + rows >= MAX_ROWS) {
        enqueue(e, e->current);
        e->current = NULL;
    }
}

static void on_lazy(uv_timer_t *t)
{
    ork_engine *e = t->data;

    e->lazy_armed = false;
    ork_commit_flush(e, true);
}

/* At least once per ORK_LAZY_MS something that nobody waits for is stored too; no timer runs while nothing is
 * collected. */
static void arm_lazy(ork_engine *e)
{
    if (!e->lazy_armed && !e->closing) {
        e->lazy_armed = true;
        uv_timer_start(&e->lazy, on_lazy, ORK_LAZY_MS, 0);
    }
}

struct ork_unit *ork_commit_unit(ork_engine *e, int type, struct ork_active *owner, bool urgent)
{
    struct ork_commit *c = with_room(e);
    struct ork_unit *u = ork_batch_add(&c->batch, type);

    ork_grow((void **)&c->unit_run, &c->unit_run_cap, c->batch.len, sizeof(*c->unit_run));
    c->unit_run[c->batch.len - 1] = owner;
    if (owner)
        ork_active_ref(owner);
    c->batch.rows++;
    if (urgent)
        c->urgent = true;
    else
        arm_lazy(e);
    return u;
}

const char *ork_commit_text(ork_engine *e, char *owned)
{
    struct ork_commit *c = current(e);

    if (!owned)
        return NULL;
    ork_grow((void **)&c->texts, &c->texts_cap, c->texts_len + 1, sizeof(*c->texts));
    c->texts[c->texts_len++] = owned;
    return owned;
}

void ork_commit_task(struct ork_active *a, uint32_t task, const struct ork_task_put *put, bool urgent)
{
    ork_engine *e = a->engine;
    struct ork_commit *c = current(e);
    struct ork_touch probe, *t = NULL;

    memset(&probe.key, 0, sizeof(probe.key));
    probe.key.run = a;
    probe.key.task = task;
    HASH_FIND(hh, c->touched, &probe.key, sizeof(probe.key), t);
    c->batch.bytes += put->output.n + put->logs.n + put->error.n;
    if (t) {
        struct ork_task_put *old = &c->batch.units[t->unit].task;
        struct ork_task_put merged = *put;
        merged.fresh = old->fresh;
        if (old->set_output && !put->set_output) {
            merged.set_output = true;
            merged.output = old->output;
        }
        if (old->set_logs && !put->set_logs) {
            merged.set_logs = true;
            merged.logs = old->logs;
        }
        *old = merged;
        c->urgent |= urgent;
        return;
    }
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_TASK, a, urgent);
    u->task = *put;
    t = ork_zalloc(sizeof(*t));
    t->key = probe.key;
    t->unit = e->current->batch.len - 1;
    HASH_ADD(hh, e->current->touched, key, sizeof(t->key), t);
}

struct ork_after *ork_commit_after(ork_engine *e, int type, struct ork_active *a, uint32_t task)
{
    struct ork_commit *c = current(e);

    ork_grow((void **)&c->after, &c->after_cap, c->after_len + 1, sizeof(*c->after));
    struct ork_after *x = &c->after[c->after_len++];
    *x = (struct ork_after){.type = type, .run = a, .task = task, .took_ms = -1};
    if (a)
        ork_active_ref(a);
    arm_lazy(e);
    return x;
}

void ork_commit_call(ork_engine *e, void (*call)(void *, int, const ork_err *), void *data)
{
    if (e->fenced) {
        ork_err err = {.code = ORK_EFENCED, .msg = "another scheduler took over the runs of this one"};
        call(data, ORK_EFENCED, &err);
        return;
    }
    struct ork_after *x = ork_commit_after(e, ORK_AFTER_CALL, NULL, 0);

    x->call = call;
    x->data = data;
    e->current->urgent = true;
}

void ork_commit_answer(ork_engine *e, void (*call)(void *, int, const ork_err *), void *data)
{
    ork_commit_call(e, call, data);
    if (!e->fenced)
        e->current->after[e->current->after_len - 1].answers = e->current->batch.len;
}

static bool commit_empty(const struct ork_commit *c)
{
    return !c || (c->batch.len == 0 && c->after_len == 0);
}

bool ork_commit_idle(const ork_engine *e)
{
    return !e->inflight && !e->queue && commit_empty(e->current);
}

/* ---- after the store has answered ---- */

static void notify(ork_engine *e, const struct ork_after *x, bool of_task)
{
    const struct ork_run_fan *fan = of_task ? ork_run_fan(&x->run->run, x->task) : NULL;

    if (!e->on_change)
        return;
    struct ork_change c = {
        .run_id = x->run->text,
        .workflow = ork_workflow_name(x->run->workflow),
        .task_no = of_task ? ork_run_no(&x->run->run, x->task) : 0,
        .items = fan ? (int64_t)fan->count : -1,
        .item = of_task ? ork_run_item(&x->run->run, x->task) : 0,
        .from = x->from,
        .to = x->to,
        .attempt = x->attempt,
        .kind = x->kind,
        .retry_at_ms = x->retry_at_ms,
        .took_ms = x->took_ms,
        .adopted = x->adopted,
        .error = x->error,
        .waits = x->waits,
        .task = of_task ? ork_active_name(x->run, x->task) : NULL,
    };
    char within[512];
    if (!ork_id_is_zero(&x->run->parent_task)) {
        ork_sub_within(x->run, within, sizeof(within));
        c.within = within;
    }
    e->on_change(e->change_data, &c);
}

static void tell_agent(const struct ork_after *x)
{
    struct ork_attempt_key key = {.attempt = x->attempt};

    struct ork_live *l = x->type == ORK_AFTER_ACK ? NULL : ork_active_live(x->run, x->task);

    if (l && l->verdict) { /* it has ended */
        if (l->attempt == x->attempt && x->type == ORK_AFTER_KILL)
            ork_verdict_drop(x->run, l);
        return;
    }
    if (l && l->remote && x->type == ORK_AFTER_KILL) {
        if (l->attempt == x->attempt)
            ork_remote_kill(x->run, l);
        return;
    }
    if (l && l->job) {
        if (l->attempt == x->attempt && x->type == ORK_AFTER_KILL)
            ork_deferred_kill(x->run, l, x->grace_ms == 0);
        return;
    }
    if (l && l->call) {
        if (l->attempt == x->attempt && x->type == ORK_AFTER_KILL)
            ork_call_kill(x->run, l, x->grace_ms);
        else if (l->attempt == x->attempt)
            ork_call_recall(x->run, l);
        return;
    }
    ork_active_task_id(x->run, x->task, &key.task);
    if (!x->run->hand)
        return;
    if (x->type == ORK_AFTER_KILL) {
        ork_agent_kill(x->run->hand->agent, &key, x->grace_ms);
    } else if (x->type == ORK_AFTER_RECALL) {
        ork_agent_recall(x->run->hand->agent, &key);
    } else {
        ork_agent_ack(x->run->hand->agent, &key);
        for (size_t i = 0; i < 2; i++) {
            if (x->remove[i])
                (void)unlink(x->remove[i]);
        }
        if (x->folder)
            ork_artifacts_remove(x->folder);
    }
}

static void call_handler(const struct ork_after *x)
{
    ork_id id;

    if (ork_id_parse(x->error, strlen(x->error), &id) == 0)
        ork_handlers_begin(x->run, &id, x->waits, x->task);
}

static void carry_out(ork_engine *e, struct ork_after *x)
{
    switch (x->type) {
    case ORK_AFTER_SPAWN:
        ork_dispatch_spawn(x->run, x->task, x->attempt);
        break;
    case ORK_AFTER_CALLED:
        ork_call_ready(x->run, x->task, x->attempt);
        ork_deferred_committed(x->run, x->task, x->attempt);
        break;
    case ORK_AFTER_KILL:
    case ORK_AFTER_RECALL:
    case ORK_AFTER_ACK:
        tell_agent(x);
        break;
    case ORK_AFTER_CHANGE:
        notify(e, x, x->task != ORK_NO_TASK);
        break;
    case ORK_AFTER_INSERTED:
        ork_active_inserted(x->run);
        break;
    case ORK_AFTER_ENDED:
        if (x->from != x->to)
            notify(e, x, false);
        if (x->run->scheduled_for_ms)
            ork_schedules_look(e); /* its schedule may wait for this end */
        ork_sub_ended(x->run);
        ork_active_drop(x->run);
        break;
    case ORK_AFTER_OWED:
        call_handler(x);
        break;
    case ORK_AFTER_CALL:
        x->call(x->data, 0, NULL);
        break;
    default:
        break;
    }
}

static void fail_calls(struct ork_commit *c, int code, const ork_err *err)
{
    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].type == ORK_AFTER_CALL)
            c->after[i].call(c->after[i].data, code, err);
    }
}

static void on_applied(void *data, int code, const ork_err *err, size_t bad_unit);

static void hand_over(ork_engine *e)
{
    e->at_store = true;
    ork_store_apply(e->store, &e->inflight->batch, on_applied, e);
}

static void on_away(uv_timer_t *t)
{
    ork_engine *e = t->data;

    if (e->inflight && !e->at_store && !e->closing)
        hand_over(e);
}

static bool is_being_created(const struct ork_active *a)
{
    return a && a->creating;
}

/* Nothing but questions of callers, who are told when it cannot be stored, and what became of runs that are being
 * created meanwhile: those go with their question. Memory is not ahead of the rows. */
static bool only_asks(const struct ork_commit *c)
{
    bool asked = false;

    for (size_t i = 0; i < c->batch.len; i++) {
        int type = c->batch.units[i].type;
        if (is_being_created(c->unit_run[i]))
            continue;
        if (type != ORK_UNIT_CREATE_RUN && type != ORK_UNIT_CLAIM && type != ORK_UNIT_COMMAND &&
            type != ORK_UNIT_POOL &&
            (type <= ORK_UNIT_COMMAND_DONE || type == ORK_UNIT_TASK_DEFINE || type == ORK_UNIT_TASK_PARK ||
             type == ORK_UNIT_ITEMS_AGAIN))
            return false;
        asked |= type != ORK_UNIT_POOL;
    }
    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].run && !is_being_created(c->after[i].run))
            return false;
    }
    return asked;
}

static void tell_failure(struct ork_commit *c, int code, const ork_err *err)
{
    fail_calls(c, code, err);
    commit_free(c);
}

static void go_away(ork_engine *e, const ork_err *err)
{
    if (!e->away_now)
        ork_log_warn(&e->log, "%s; waiting for the database, nothing new is started until then", err->msg);
    e->away_now = true;
    e->away_why = *err;
    for (struct ork_commit **p = &e->queue; *p;) {
        struct ork_commit *q = *p;
        if (only_asks(q)) {
            *p = q->next;
            tell_failure(q, err->code, err);
        } else {
            p = &q->next;
        }
    }
    if (e->current && only_asks(e->current)) {
        struct ork_commit *c = e->current;
        e->current = NULL;
        tell_failure(c, err->code, err);
    }
    uint32_t tries = e->away_tries++;
    uint64_t wait = 100ull << (tries < 6 ? tries : 6);
    uv_timer_start(&e->away, on_away, wait > 5000 ? 5000 : wait, 0);
}

int ork_commit_possible(const ork_engine *e, ork_err *err)
{
    return e->away_now ? ork_err_set(err, e->away_why.code, "%s", e->away_why.msg) : 0;
}

void ork_commit_refused(struct ork_commit *c, const ork_err *err)
{
    tell_failure(c, ORK_EDATA, err);
}

static void fenced(ork_engine *e, struct ork_commit *c, const ork_err *err)
{
    e->fenced = true;
    tell_failure(c, ORK_EFENCED, err);
    while (e->queue) {
        c = e->queue;
        e->queue = c->next;
        tell_failure(c, ORK_EFENCED, err);
    }
    c = e->current;
    e->current = NULL;
    if (c)
        tell_failure(c, ORK_EFENCED, err);
    uv_stop(e->loop);
}

/* Ends of runs come last: with one goes the agent's claim, which is of use to the acknowledgements before it. */
static void all_carry_out(ork_engine *e, struct ork_commit *c)
{
    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].type != ORK_AFTER_ENDED)
            carry_out(e, &c->after[i]);
    }
    for (size_t i = 0; i < c->after_len; i++) {
        if (c->after[i].type == ORK_AFTER_ENDED)
            carry_out(e, &c->after[i]);
    }
    ork_hands_flush(e);
    commit_free(c);
}

/* The engine is being closed and agents are gone: only whoever waits hears of it. */
static void landed_late(struct ork_commit *c, int code, const ork_err *err)
{
    fail_calls(c, code, err);
    commit_free(c);
}

static void on_applied(void *data, int code, const ork_err *err, size_t bad_unit)
{
    ork_engine *e = data;
    struct ork_commit *c = e->inflight;

    e->at_store = false;
    if (code && code != ORK_EDATA && code != ORK_EFENCED && !only_asks(c) && !e->closing) {
        go_away(e, err);
        return;
    }
    e->inflight = NULL;
    if (e->suspend)
        ork_engine_suspend(e);
    if (e->away_now) {
        e->away_now = false;
        e->away_tries = 0;
        if (!code)
            ork_log_warn(&e->log, "the database is back");
    }
    if (e->closing) {
        landed_late(c, code, err);
        return;
    }
    if (code == ORK_EDATA) {
        ork_refuse_value(e, c, bad_unit, err);
    } else if (code == ORK_EFENCED) {
        fenced(e, c, err);
        return;
    } else if (code) {
        tell_failure(c, code, err);
    } else {
        all_carry_out(e, c);
    }
    if (!commit_empty(e->current)) /* the timer may have come while this one was on its way */
        arm_lazy(e);
    ork_engine_turn(e);
}

/* One run_events row per run touched: the core's events of this batch in compact form. */
static void add_events(ork_engine *e)
{
    while (e->noted) {
        struct ork_active *a = e->noted;
        ork_active_unnote(a);
        struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_EVENT, a, false);
        size_t n;
        char *text = ork_history_take(a, &n);
        u->event.run_id = a->id;
        u->event.at_ms = ork_engine_now(e);
        u->event.data = (struct ork_text){text, n};
        (void)ork_commit_text(e, text);
    }
}

void ork_commit_flush(ork_engine *e, bool lazy_too)
{
    if (e->inflight || e->fenced || e->closing || !e->store)
        return;
    if (!e->queue) {
        if (commit_empty(e->current))
            return;
        if (!e->current->urgent && !lazy_too)
            return;
        if (!lazy_too && ork_hands_greet(e)) { /* then the first attempts are in the commit that creates their run */
            arm_lazy(e);
            return;
        }
        add_events(e);
        if (!e->queue) {
            e->queue = e->current;
            e->current = NULL;
        }
    }
    struct ork_commit *c = e->queue;
    e->queue = c->next;
    c->next = NULL;
    if (e->lazy_armed && !e->current) {
        e->lazy_armed = false;
        uv_timer_stop(&e->lazy);
    }
    if (c->batch.len == 0) { /* only consequences of what is durable already */
        e->inflight = c;
        on_applied(e, 0, NULL, 0);
        return;
    }
    e->inflight = c;
    hand_over(e);
}

static void give_up(struct ork_commit *c)
{
    ork_err err = {.code = ORK_ECANCELLED, .msg = "the engine was closed"};

    if (!c)
        return;
    fail_calls(c, ORK_ECANCELLED, &err);
    commit_free(c);
}

void ork_commit_fini(ork_engine *e)
{
    give_up(e->inflight);
    while (e->queue) {
        struct ork_commit *next = e->queue->next;
        give_up(e->queue);
        e->queue = next;
    }
    give_up(e->current);
    e->inflight = e->queue = e->current = NULL;
}
