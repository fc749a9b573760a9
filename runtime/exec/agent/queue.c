/* SPDX-License-Identifier: MIT */
/* Who starts next. Each client has a queue, a binary heap by priority, then arrival; clients with waiting tasks and
 * room under their own `jobs` take turns. The agent's slots are the largest `jobs` of a live client, and stay what they
 * were while none is there: what was handed over is committed and starts with or without its scheduler. */
#include "exec/agent/agent.h"

static bool before(const struct ork_attempt *x, const struct ork_attempt *y)
{
    if (x->priority != y->priority)
        return x->priority > y->priority;
    return x->arrival < y->arrival;
}

static void place(struct ork_owner *o, uint32_t pos, struct ork_attempt *t)
{
    o->heap[pos - 1] = t;
    t->heap_pos = pos;
}

static void sift_up(struct ork_owner *o, uint32_t pos, struct ork_attempt *t)
{
    while (pos > 1 && before(t, o->heap[pos / 2 - 1])) {
        place(o, pos, o->heap[pos / 2 - 1]);
        pos /= 2;
    }
    place(o, pos, t);
}

static void sift_down(struct ork_owner *o, uint32_t pos, struct ork_attempt *t)
{
    for (;;) {
        uint32_t child = pos * 2;

        if (child > o->len)
            break;
        if (child < o->len && before(o->heap[child], o->heap[child - 1]))
            child++;
        if (!before(o->heap[child - 1], t))
            break;
        place(o, pos, o->heap[child - 1]);
        pos = child;
    }
    place(o, pos, t);
}

struct ork_owner *ork_owner_new(struct ork_agentd *a, struct ork_conn *c, uint32_t jobs)
{
    struct ork_owner *o = ork_mem(NULL, sizeof *o);

    memset(o, 0, sizeof *o);
    o->conn = c;
    o->jobs = jobs;
    TAILQ_INSERT_TAIL(&a->owners, o, next);
    return o;
}

void ork_owner_unused(struct ork_agentd *a, struct ork_owner *o)
{
    if (o->conn || o->len || o->running)
        return;
    TAILQ_REMOVE(&a->owners, o, next);
    free(o->heap);
    free(o);
}

void ork_owner_drop_conn(struct ork_agentd *a, struct ork_owner *o)
{
    o->conn = NULL;
    ork_owner_unused(a, o);
    ork_queue_slots(a);
}

void ork_queue_slots(struct ork_agentd *a)
{
    struct ork_owner *o;
    uint32_t most = 0;

    TAILQ_FOREACH(o, &a->owners, next)
    {
        if (o->conn && o->jobs > most)
            most = o->jobs;
    }
    if (most)
        a->slots = most;
}

void ork_queue_add(struct ork_agentd *a, struct ork_owner *o, struct ork_attempt *t)
{
    if (o->len == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 16;
        o->heap = ork_mem(o->heap, o->cap * sizeof(struct ork_attempt *));
    }
    if (!t->arrival)
        t->arrival = ++a->arrivals;
    t->owner = o;
    o->len++;
    a->queued++;
    sift_up(o, o->len, t);
}

void ork_queue_remove(struct ork_agentd *a, struct ork_attempt *t)
{
    struct ork_owner *o = t->owner;
    uint32_t pos = t->heap_pos;
    struct ork_attempt *last = o->heap[--o->len];

    a->queued--;
    t->heap_pos = 0;
    t->owner = NULL;
    if (last == t)
        return;
    if (pos > 1 && before(last, o->heap[pos / 2 - 1]))
        sift_up(o, pos, last);
    else
        sift_down(o, pos, last);
}

static struct ork_attempt *next(struct ork_agentd *a)
{
    struct ork_owner *o;

    TAILQ_FOREACH(o, &a->owners, next)
    {
        if (o->len && o->running < o->jobs) {
            TAILQ_REMOVE(&a->owners, o, next);
            TAILQ_INSERT_TAIL(&a->owners, o, next);
            return o->heap[0];
        }
    }
    return NULL;
}

void ork_queue_start(struct ork_agentd *a)
{
    while (a->queued && a->slots_used < a->slots && !a->stop) {
        struct ork_attempt *t = next(a);
        struct ork_owner *o;

        if (!t)
            return;
        o = t->owner;
        ork_queue_remove(a, t);
        t->owner = o;
        o->running++;
        a->slots_used++;
        t->has_slot = true;
        ork_attempt_start(a, t);
    }
}
