/* SPDX-License-Identifier: MIT */
/* One step of a schedule. The times that are due are never listed: a schedule of every second that slept for a year has
 * 31 million. They are walked from the newest backwards, and no further than somebody wants to know. */
#include "core/due.h"

struct view {
    const struct ork_schedule *s;
    const void *seed;
    size_t n;
    int64_t now_ms;
};

#define WALK_MOST 10000 /* times looked at for their jitter */

static int64_t acts_at(const struct view *v, int64_t at_ms)
{
    return at_ms + ork_schedule_jitter(v->s, v->seed, v->n, at_ms);
}

/* The newest time that is due; at least next_ms, which is. */
static int64_t newest_due(const struct view *v, int64_t next_ms)
{
    int64_t at, before = v->now_ms + 1;

    for (int i = 0; i < WALK_MOST; i++) {
        if (!ork_schedule_prev(v->s, before, &at) || at <= next_ms)
            return next_ms;
        if (acts_at(v, at) <= v->now_ms)
            return at;
        before = at;
    }
    return next_ms;
}

/* The oldest of the newest `most` times up to `newest` that is not before next_ms. */
static int64_t oldest_of(const struct view *v, int64_t next_ms, int64_t newest, uint32_t most)
{
    int64_t at = newest, before;

    for (uint32_t i = 1; i < most; i++) {
        if (!ork_schedule_prev(v->s, at, &before) || before < next_ms)
            break;
        at = before;
    }
    return at < next_ms ? next_ms : at;
}

/* The first time from next_ms on that was not missed; newest + 1 when all were. */
static int64_t first_on_time(const struct view *v, int64_t next_ms, int64_t newest)
{
    int64_t at = newest, before, found = newest + 1;

    for (int i = 0; i < WALK_MOST && v->now_ms - acts_at(v, at) <= ORK_ON_TIME_MS; i++) {
        found = at;
        if (!ork_schedule_prev(v->s, at, &before) || before < next_ms)
            break;
        at = before;
    }
    return found;
}

static void count_dropped(const struct view *v, int64_t next_ms, int64_t until_ms, struct ork_due *out)
{
    int64_t at = next_ms;

    while (at < until_ms && out->dropped < ORK_DROPPED_MOST) {
        out->first_dropped_ms = next_ms;
        out->dropped++;
        if (!ork_schedule_next(v->s, at, &at))
            break;
    }
}

/* After the time `at` comes …; jitter never makes it act before the one it follows. */
static void go_on(const struct view *v, int64_t at, struct ork_due *out)
{
    if (!ork_schedule_next(v->s, at, &out->next_ms)) {
        out->next_ms = out->fire_ms = 0;
        return;
    }
    out->fire_ms = acts_at(v, out->next_ms);
}

void ork_due_step(const struct ork_schedule *s, const void *seed, size_t n, int64_t next_ms, bool waited,
                  int64_t now_ms, struct ork_due *out)
{
    struct view v = {s, seed, n, now_ms};
    int64_t acts = acts_at(&v, next_ms);

    *out = (struct ork_due){.due = acts <= now_ms, .next_ms = next_ms, .fire_ms = acts};
    if (!out->due)
        return;
    int64_t newest = newest_due(&v, next_ms);
    bool missed = now_ms - acts > ORK_ON_TIME_MS;
    bool queued = s->overlap == ORK_OVERLAP_QUEUE || (s->overlap == ORK_OVERLAP_SKIP && s->catchup == ORK_CATCHUP_ALL);
    int catchup = waited ? (queued ? ORK_CATCHUP_ALL : ORK_CATCHUP_LATEST) : !missed ? ORK_CATCHUP_ALL : s->catchup;

    if (catchup == ORK_CATCHUP_NONE) {
        int64_t first = first_on_time(&v, next_ms, newest);
        count_dropped(&v, next_ms, first, out);
        if (first > newest) {
            go_on(&v, newest, out);
        } else {
            out->next_ms = first;
            out->fire_ms = acts_at(&v, first);
        }
        return;
    }
    /* without a miss all that is due is younger than a minute, give or take its jitter: no limit is needed */
    out->run_ms = catchup == ORK_CATCHUP_LATEST ? newest
                  : missed || waited            ? oldest_of(&v, next_ms, newest, s->catchup_limit)
                                                : next_ms;
    out->caught_up = waited || now_ms - acts_at(&v, out->run_ms) > ORK_ON_TIME_MS;
    count_dropped(&v, next_ms, out->run_ms, out);
    go_on(&v, out->run_ms, out);
}

bool ork_due_begin(const struct ork_schedule *s, const void *seed, size_t n, int64_t now_ms, int64_t *next_ms,
                   int64_t *fire_ms)
{
    struct view v = {s, seed, n, now_ms};

    *next_ms = *fire_ms = 0;
    if (!ork_schedule_next(s, now_ms, next_ms))
        return false;
    *fire_ms = acts_at(&v, *next_ms);
    return true;
}
