/* SPDX-License-Identifier: MIT */
/* The agents this engine uses and what they tell. Normally one, under the data directory; a run whose attempts were
 * started under another data directory is served through that one's agent (found by the socket its rows name), so
 * nothing of it is started twice.
 *
 * After every HELLO, also that of a successor of a killed agent, the runs are claimed again and the agent says what it
 * holds. What it does not know is then clear: a dispatched attempt was never started (the same attempt is sent again),
 * a running one is lost. */
#include "engine/engine.h"
#include "base/path.h"
#include <string.h>

static void on_ready(void *data, const ork_id *agent, const char *socket, const char *boot_id)
{
    struct ork_hand *h = data;
    ork_engine *e = h->engine;

    h->ready = true;
    h->id = *agent;
    struct ork_unit *u = ork_commit_unit(e, ORK_UNIT_AGENT, NULL, false);
    char *texts[] = {ork_strdup(e->host), ork_strdup(boot_id ? boot_id : e->boot_id), ork_strdup(socket ? socket : "")};
    u->agent = (struct ork_agent_put){.id = *agent,
                                      .host = {texts[0], strlen(texts[0])},
                                      .boot_id = {texts[1], strlen(texts[1])},
                                      .socket = {texts[2], strlen(texts[2])}};
    for (size_t i = 0; i < 3; i++)
        (void)ork_commit_text(e, texts[i]);
    for (struct ork_active *a = e->runs; a; a = a->hh.next) {
        if (a->hand != h)
            continue;
        a->claimed = false;
        for (struct ork_live *l = a->live; l; l = l->hh.next)
            l->known = l->call || l->job || l->remote; /* no agent knows of these */
    }
}

static struct ork_live *find_live(struct ork_hand *h, const struct ork_attempt_key *key, struct ork_active **a,
                                  uint32_t *task)
{
    if (ork_active_by_task(h->engine, &key->task, a, task) != 0)
        return NULL;
    struct ork_live *l = ork_active_live(*a, *task);
    return l && l->attempt == key->attempt ? l : NULL;
}

/* A kill or recall that was sent to an agent that is gone is sent again to its successor. */
static void wish_again(struct ork_hand *h, struct ork_active *a, const struct ork_live *l,
                       const struct ork_attempt_key *key)
{
    const struct ork_run_task *t = &a->run.tasks[l->task];

    if (t->flags & ORK_RT_KILLING)
        ork_agent_kill(h->agent, key, a->run.killed ? 0 : l->grace_ms ? l->grace_ms : ORK_GRACE_MS);
    else if (ork_run_is_unwanted(&a->run, l->task))
        ork_agent_recall(h->agent, key);
}

static void started(struct ork_hand *h, const struct ork_attempt_key *key, int32_t pid, int64_t started_ms)
{
    struct ork_active *a;
    uint32_t task;
    struct ork_live *l = find_live(h, key, &a, &task);

    if (!l)
        return;
    l->known = true;
    l->agent = h->id;
    l->pid = pid;
    l->started_ms = started_ms;
    struct ork_event ev = {.type = ORK_EV_STARTED, .task = task, .attempt = key->attempt};
    if (a->run.tasks[task].status == ORK_TASK_DISPATCHED)
        (void)ork_active_step(a, &ev);
}

static void on_started(void *data, const struct ork_attempt_key *key, int32_t pid, int64_t started_ms)
{
    struct ork_active *a;
    uint32_t task;
    struct ork_live *l = find_live(data, key, &a, &task);

    if (l)
        l->adopted = false; /* it was only waiting in the agent's queue when we came */
    started(data, key, pid, started_ms);
}

static void on_exited(void *data, const struct ork_exit *x)
{
    struct ork_hand *h = data;
    struct ork_active *a;
    uint32_t task;

    if (ork_active_by_task(h->engine, &x->key.task, &a, &task) == 0)
        ork_settle_exit(a, task, x);
    /* else we let go of its run: the exit is for who claims that next */
}

static void on_recalled(void *data, const struct ork_attempt_key *key)
{
    struct ork_hand *h = data;
    struct ork_active *a;
    uint32_t task;

    if (find_live(h, key, &a, &task))
        ork_settle_recalled(a, task, key->attempt);
}

static void on_state(void *data, const struct ork_attempt_key *key, int state, int32_t pid, int64_t started_ms)
{
    struct ork_hand *h = data;
    struct ork_active *a;
    uint32_t task;

    if (ork_active_by_task(h->engine, &key->task, &a, &task) != 0)
        return; /* we let go of its run */
    struct ork_live *l = find_live(h, key, &a, &task);
    if (!l) { /* a scheduler that returns ends what the database no longer names */
        ork_agent_kill(h->agent, key, 0);
        return;
    }
    l->known = true;
    bool told = a->run.tasks[task].status == ORK_TASK_DISPATCHED; /* its start is news of its own */
    if (state == ORK_AGENT_RUNNING)
        started(h, key, pid, started_ms);
    if (l->adopted && state == ORK_AGENT_RUNNING && !told)
        ork_active_adopted(a, task);
    wish_again(h, a, l, key);
}

static void on_claimed(void *data, const ork_id *run)
{
    struct ork_hand *h = data;
    struct ork_active *a = ork_active_find(h->engine, run);
    struct ork_live *l, *tmp;

    if (!a)
        return;
    a->claimed = true;
    ork_active_ref(a);
    HASH_ITER(hh, a->live, l, tmp)
    {
        if (l->known || l->settling || !l->committed)
            continue;
        if (l->host_lost)
            ork_settle_lost(a, l->task, "lost: the machine was started again since");
        else if (a->run.tasks[l->task].flags & ORK_RT_KILLING)
            ork_settle_fail(a, l->task, ORK_KIND_CANCELLED, "cancelled before it started");
        else if (a->run.tasks[l->task].status == ORK_TASK_RUNNING)
            ork_settle_lost(a, l->task, "lost: the agent that ran it is gone and left no record of it");
        else if (a->run.status == ORK_RUN_PAUSED)
            ork_settle_recalled(a, l->task, l->attempt);
        else
            ork_dispatch_again(a, l);
    }
    ork_active_unref(a);
}

static void on_stuck(void *data, const struct ork_attempt_key *key, int32_t pid)
{
    struct ork_hand *h = data;
    struct ork_active *a;
    uint32_t task;

    if (find_live(h, key, &a, &task))
        ork_log_warn(&h->engine->log,
                     "task `%s` of run %s: process %d cannot be killed; the attempt stays open until it is gone",
                     ork_active_name(a, task), a->text, pid);
}

/* The agent knows a higher seq for a run. Is it ours by its row all the same, whoever came after us and had it is gone:
 * then we speak with a higher one, to every agent. */
static bool outbid(ork_engine *e, const ork_id *run)
{
    bool mine = false;
    ork_err err = {0};

    if (ork_store_outbid(e->store, run, &mine, &e->seq, &err) != 0)
        ork_log_warn(&e->log, "the scheduler's number cannot be renewed error=%s", ORK_LOG_VALUE(err.msg));
    for (struct ork_hand *h = e->hands; mine && h; h = h->next) {
        h->ready = false;
        ork_agent_outbid(h->agent, e->seq);
    }
    return mine;
}

static void on_refused(void *data, const ork_id *run)
{
    struct ork_hand *h = data;
    struct ork_active *a = ork_active_find(h->engine, run);

    if (!a)
        return;
    if (outbid(h->engine, run)) {
        ork_agent_claim(h->agent, run);
        return;
    }
    ork_log_warn(&h->engine->log, "run %s was taken over by another ork while this one was not running", a->text);
    ork_active_drop(a);
    /* A claim is a batch, which is refused if all that is ours was taken over: it may be long before there is another
     * one to find that out. If just this one went it is an answer. */
    ork_adopt_claim(h->engine, run);
}

static void on_down(void *data, const ork_err *err)
{
    struct ork_hand *h = data;

    h->ready = false;
    ork_log_error(&h->engine->log, "%s; trying again", err->msg);
}

int ork_hands_find_program(ork_engine *e, ork_err *err)
{
    return e->agent_program ? 0 : ork_agent_find_program(&e->agent_program, err);
}

struct ork_hand *ork_hands_for(ork_engine *e, const char *dir, ork_err *err)
{
    char *own = dir ? ork_strdup(dir) : ork_path_join(e->data_dir, "agent");
    struct ork_hand *h;

    for (h = e->hands; h; h = h->next) {
        if (strcmp(h->dir, own) == 0) {
            ork_free(own);
            return h;
        }
    }
    h = ork_zalloc(sizeof(*h));
    h->engine = e;
    h->dir = own;
    struct ork_agent_opts o = {
        .loop = e->loop,
        .dir = h->dir,
        .program = e->agent_program,
        .jobs = e->jobs,
        .seq = e->seq,
        .log = &e->log,
        .events = {.data = h,
                   .on_ready = on_ready,
                   .on_started = on_started,
                   .on_exited = on_exited,
                   .on_recalled = on_recalled,
                   .on_state = on_state,
                   .on_claimed = on_claimed,
                   .on_stuck = on_stuck,
                   .on_refused = on_refused,
                   .on_down = on_down},
    };
    if (ork_agent_open(&o, &h->agent, err) != 0) {
        ork_free(h->dir);
        ork_free(h);
        return NULL;
    }
    h->next = e->hands;
    e->hands = h;
    return h;
}

void ork_hands_use(struct ork_active *a, struct ork_hand *h)
{
    a->hand = h;
    if (h)
        h->users++;
}

void ork_hands_claim(struct ork_active *a)
{
    ork_err err;

    if (ork_call_only(a->workflow))
        return;
    if (!a->hand)
        ork_hands_use(a, ork_hands_for(a->engine, NULL, &err)); /* there since we are registered */
    if (!a->hand)
        return;
    a->agent_used = true;
    ork_agent_claim(a->hand->agent, &a->id);
}

bool ork_hands_ready(const ork_engine *e)
{
    for (const struct ork_hand *h = e->hands; h; h = h->next) {
        if (h->users && !h->ready)
            return false;
    }
    return e->hands != NULL;
}

bool ork_hands_greet(const ork_engine *e)
{
    const struct ork_hand *h = e->begun ? e->begun->hand : NULL;

    return h && !h->ready && ork_agent_greets(h->agent);
}

void ork_hands_flush(ork_engine *e)
{
    for (struct ork_hand *h = e->hands; h; h = h->next)
        ork_agent_flush(h->agent);
}

void ork_hands_kill_all(ork_engine *e)
{
    for (struct ork_active *a = e->runs; a; a = a->hh.next) {
        for (struct ork_live *l = a->live; a->hand && l; l = l->hh.next) {
            if (l->call || l->job || l->remote)
                continue;
            struct ork_attempt_key key = {.attempt = l->attempt};
            ork_active_task_id(a, l->task, &key.task);
            ork_agent_kill(a->hand->agent, &key, 0);
        }
    }
    ork_hands_flush(e);
}

static void on_closed(void *data)
{
    ((struct ork_hand *)data)->closed = true;
}

void ork_hands_close(ork_engine *e)
{
    for (struct ork_hand *h = e->hands; h; h = h->next)
        ork_agent_close(h->agent, on_closed, h);
    while (e->hands) {
        struct ork_hand *h = e->hands;
        while (!h->closed)
            uv_run(e->loop, UV_RUN_ONCE);
        e->hands = h->next;
        ork_free(h->dir);
        ork_free(h);
    }
    for (struct ork_active *a = e->runs; a; a = a->hh.next)
        a->hand = NULL;
}
