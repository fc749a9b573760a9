/* SPDX-License-Identifier: MIT */
#include "engine/turns.h"
#include "engine/deferred.h"
#include "engine/engine.h"

#define MOST_READS 16
#define MOST_BYTES (64u << 20) /* beyond that nothing more is read; as of the functions of tasks (workers.c) */

static void unlink_turn(struct ork_turns *ts, struct ork_turn *t)
{
    *(t->before ? &t->before->next : &ts->first) = t->next;
    *(t->next ? &t->next->before : &ts->last) = t->before;
    t->next = t->before = NULL;
}

void ork_turns_go(struct ork_engine *e)
{
    struct ork_turns *ts = &e->turns;

    while (ts->first && ts->reading < MOST_READS && ts->bytes <= MOST_BYTES) {
        struct ork_turn *t = ts->first;
        unlink_turn(ts, t);
        t->state = ORK_TURN_READS;
        ts->reading++;
        t->go(t->a, t->l); /* what begins or ends within it is seen by this loop */
    }
}

void ork_turn_want(struct ork_active *a, struct ork_live *l, void (*go)(struct ork_active *a, struct ork_live *l))
{
    struct ork_turns *ts = &a->engine->turns;
    struct ork_turn *t = &l->job->turn;

    if (t->state != ORK_TURN_NONE)
        return;
    *t = (struct ork_turn){.before = ts->last, .a = a, .l = l, .go = go, .state = ORK_TURN_WAITS};
    *(ts->last ? &ts->last->next : &ts->first) = t;
    ts->last = t;
}

bool ork_turn_reads(const struct ork_live *l)
{
    return l->job->turn.state == ORK_TURN_READS;
}

void ork_turn_holds(struct ork_active *a, struct ork_live *l, size_t bytes)
{
    struct ork_turns *ts = &a->engine->turns;
    struct ork_turn *t = &l->job->turn;

    t->state = ORK_TURN_HOLDS;
    t->bytes = bytes;
    ts->reading--;
    ts->bytes += bytes;
}

void ork_turn_over(struct ork_active *a, struct ork_live *l)
{
    struct ork_turns *ts = &a->engine->turns;
    struct ork_turn *t = &l->job->turn;

    if (t->state == ORK_TURN_WAITS)
        unlink_turn(ts, t);
    else if (t->state == ORK_TURN_READS)
        ts->reading--;
    else if (t->state == ORK_TURN_HOLDS)
        ts->bytes -= t->bytes;
    t->state = ORK_TURN_NONE;
}
