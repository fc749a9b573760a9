/* SPDX-License-Identifier: MIT */
/* Timers to known instants of the wall clock: one heap, one timerfd armed to its head. CLOCK_REALTIME, absolute,
 * cancelled when the clock is set, so neither suspend nor a changed clock makes a retry early or hours late (libuv's
 * own timers stop while the machine sleeps). */
#include "engine/engine.h"
#include "engine/returns.h"
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static bool before(const struct ork_heap_node *x, const struct ork_heap_node *y)
{
    return ork_container(x, struct ork_timer, node)->at_ms < ork_container(y, struct ork_timer, node)->at_ms;
}

static void arm_head(ork_engine *e)
{
    struct ork_heap_node *n = ork_heap_peek(&e->timers);
    int64_t at = n ? ork_container(n, struct ork_timer, node)->at_ms : 0;

    if (at == e->timer_armed_ms || e->timer_fd < 0)
        return;
    e->timer_armed_ms = at;
    struct itimerspec when = {0};
    if (at) {
        when.it_value.tv_sec = at / 1000;
        when.it_value.tv_nsec = at % 1000 * 1000000 + 1; /* never zero: that would disarm */
    }
    (void)timerfd_settime(e->timer_fd, at ? TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET : 0, &when, NULL);
}

static bool is_remote(struct ork_active *a, uint32_t task)
{
    const struct ork_live *l = ork_active_live(a, task);

    return l && l->remote;
}

static void fire_of_run(struct ork_timer *t)
{
    struct ork_active *a = t->run;
    struct ork_event ev = {.task = t->key.task};

    switch (t->key.kind) {
    case ORK_TIMER_RETRY:
        ev.type = ORK_EV_RETRY_DUE;
        break;
    case ORK_TIMER_RUN:
        ev.type = ORK_EV_CANCEL;
        ev.task = ORK_NO_TASK;
        ev.reason = ORK_CANCEL_TIMEOUT;
        break;
    case ORK_TIMER_WAKE:
        if (t->key.task == ORK_NO_TASK) { /* what it returns could not be read */
            (void)ork_returns_begin(a);
            return;
        }
        if (is_remote(a, t->key.task))
            ork_remote_due(a, t->key.task);
        else
            ork_deferred_due(a, t->key.task);
        return;
    case ORK_TIMER_VERDICT:
        ork_verdict_over(a, t->key.task);
        return;
    case ORK_TIMER_LIMIT:
        if (is_remote(a, t->key.task))
            ork_remote_over(a, t->key.task);
        else
            ork_deferred_over(a, t->key.task);
        return;
    default:
        ork_settle_queue_timeout(a, t->key.task);
        return;
    }
    (void)ork_active_step(a, &ev);
}

/* It is out of the heap. */
static void fire(ork_engine *e, struct ork_timer *t)
{
    struct ork_active *a = t->run;

    if (!a) {
        t->at_ms = 0;
        ork_schedules_look(e);
        return;
    }
    HASH_DEL(a->timers, t);
    ork_active_ref(a);
    fire_of_run(t);
    ork_active_unref(a);
    ork_free(t);
}

static void on_timerfd(uv_poll_t *p, int status, int events)
{
    ork_engine *e = p->data;
    uint64_t count;

    (void)status;
    (void)events;
    if (read(e->timer_fd, &count, sizeof(count)) < 0) {
        if (errno == EAGAIN)
            return;
        ork_schedules_check(e); /* ECANCELED: the clock was set; look at what is due now and arm again */
    }
    e->timer_armed_ms = -1;
    ork_timers_look(e);
}

void ork_timers_look(ork_engine *e)
{
    int64_t now = ork_engine_now(e);
    for (;;) {
        struct ork_heap_node *n = ork_heap_peek(&e->timers);
        if (!n)
            break;
        struct ork_timer *t = ork_container(n, struct ork_timer, node);
        if (t->at_ms > now)
            break;
        (void)ork_heap_pop(&e->timers);
        fire(e, t);
    }
    arm_head(e);
}

int ork_timers_open(ork_engine *e, ork_err *err)
{
    ork_heap_init(&e->timers, before);
    e->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (e->timer_fd < 0)
        return ork_err_errno(err, errno, "timerfd");
    uv_poll_init(e->loop, &e->timer_poll, e->timer_fd);
    e->timer_poll.data = e;
    uv_poll_start(&e->timer_poll, UV_READABLE, on_timerfd);
    uv_unref((uv_handle_t *)&e->timer_poll);
    e->handles++;
    return 0;
}

void ork_timers_arm(struct ork_active *a, int kind, uint32_t task, int64_t at_ms)
{
    struct ork_timer *t = ork_zalloc(sizeof(*t));

    ork_timers_disarm(a, kind, task);
    t->at_ms = at_ms;
    t->run = a;
    t->key.kind = (uint32_t)kind;
    t->key.task = task;
    HASH_ADD(hh, a->timers, key, sizeof(t->key), t);
    ork_heap_push(&a->engine->timers, &t->node);
    arm_head(a->engine);
}

void ork_timers_schedule(ork_engine *e, int64_t at_ms)
{
    struct ork_timer *t = &e->serve.timer;

    if (t->at_ms == at_ms)
        return;
    if (t->at_ms)
        ork_heap_remove(&e->timers, &t->node);
    t->at_ms = at_ms;
    t->key.kind = ORK_TIMER_SCHEDULE;
    if (at_ms)
        ork_heap_push(&e->timers, &t->node);
    arm_head(e);
}

static void remove_timer(struct ork_active *a, struct ork_timer *t)
{
    ork_heap_remove(&a->engine->timers, &t->node);
    HASH_DEL(a->timers, t);
    ork_free(t);
}

void ork_timers_disarm(struct ork_active *a, int kind, uint32_t task)
{
    struct {
        uint32_t kind, task;
    } key = {(uint32_t)kind, task};
    struct ork_timer *t = NULL;

    HASH_FIND(hh, a->timers, &key, sizeof(key), t);
    if (t) {
        remove_timer(a, t);
        arm_head(a->engine);
    }
}

void ork_timers_drop(struct ork_active *a)
{
    struct ork_timer *t, *tmp;

    HASH_ITER(hh, a->timers, t, tmp)
    remove_timer(a, t);
    if (a->engine->timer_fd >= 0)
        arm_head(a->engine);
}
