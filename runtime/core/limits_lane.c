/* SPDX-License-Identifier: MIT */
/* A lane: the ready tasks of one run in one pool, in order, and its place among the lanes. */
#include "base/alloc.h"
#include "core/limits_priv.h"

static bool entry_before(const struct ork_lane_entry *a, const struct ork_lane_entry *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->task < b->task;
}

static void put_entry(struct ork_lane *lane, size_t i, struct ork_lane_entry e)
{
    lane->entries[i] = e;
    lane->run->places[e.task].pos = (uint32_t)i + 1;
}

static void sift(struct ork_lane *lane, size_t i, struct ork_lane_entry e)
{
    while (i > 0 && entry_before(&e, &lane->entries[(i - 1) / 2])) {
        put_entry(lane, i, lane->entries[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < lane->len; i = child) {
        if (child + 1 < lane->len && entry_before(&lane->entries[child + 1], &lane->entries[child]))
            child++;
        if (!entry_before(&lane->entries[child], &e))
            break;
        put_entry(lane, i, lane->entries[child]);
    }
    put_entry(lane, i, e);
}

void ork_lane_add(struct ork_lane *lane, struct ork_lane_entry e)
{
    void *items = lane->entries;

    ork_grow(&items, &lane->cap, lane->len + 1, sizeof(*lane->entries));
    lane->entries = items;
    lane->slots += e.slots;
    if (lane->pool)
        lane->pool->ready++;
    sift(lane, lane->len++, e);
}

struct ork_lane_entry ork_lane_take(struct ork_lane *lane, size_t i)
{
    struct ork_lane_entry e = lane->entries[i], last = lane->entries[--lane->len];

    lane->run->places[e.task].pos = 0;
    lane->slots -= e.slots;
    if (lane->pool)
        lane->pool->ready--;
    if (i < lane->len)
        sift(lane, i, last);
    return e;
}

/* ---- the place of a lane --------------------------------------------------------------------- */

bool ork_lane_before(const struct ork_heap_node *na, const struct ork_heap_node *nb)
{
    const struct ork_lane *a = ork_container(na, struct ork_lane, node), *b = ork_container(nb, struct ork_lane, node);
    const struct ork_lane_entry *ea = a->entries, *eb = b->entries;

    if (ea->priority != eb->priority)
        return ea->priority > eb->priority;
    if (a->run != b->run) {
        if (a->run->held != b->run->held)
            return a->run->held < b->run->held;
        if (a->run->served != b->run->served)
            return a->run->served < b->run->served;
    }
    return ea->task < eb->task;
}

void ork_lane_move(struct ork_lane *lane, struct ork_heap *home)
{
    if (lane->home)
        ork_heap_remove(lane->home, &lane->node);
    lane->home = home;
    if (home)
        ork_heap_push(home, &lane->node);
}

bool ork_lane_is_full(const struct ork_lane *lane)
{
    const struct ork_limits_run *r = lane->run;

    return (lane->window != ORK_WINDOW_WAIT && r->max_parallel && r->held >= r->max_parallel) ||
           (lane->most && lane->held >= lane->most);
}

void ork_lane_update(struct ork_limits *l, struct ork_lane *lane)
{
    if (lane->len == 0 || ork_lane_is_full(lane))
        ork_lane_move(lane, NULL);
    else if (lane->home)
        ork_heap_update(lane->home, &lane->node);
    else
        ork_lane_move(lane, &l->open);
    ork_pool_wake(l, lane->pool);
}

bool ork_lane_park(struct ork_limits *l, struct ork_lane *lane)
{
    struct ork_pool *p = lane->pool;
    const struct ork_lane *first = p ? ork_pool_first(p) : NULL;
    if (p && (!ork_pool_fits(l, lane) || (first && ork_lane_before(&first->node, &lane->node)))) {
        ork_lane_move(lane, &p->waiting);
        ork_pool_wake(l, p);
        return true;
    }
    return false;
}

/* ---- the next one ---------------------------------------------------------------------------- */

bool ork_window_has_room(const struct ork_limits *l, int window)
{
    return l->held[window] < l->window[window] && !l->shut[window];
}

struct ork_lane *ork_lane_next(struct ork_limits *l)
{
    for (;;) {
        struct ork_heap_node *best = ork_heap_peek(&l->open);
        for (int i = 0; i < ORK_WINDOWS; i++) {
            struct ork_heap_node *n = ork_window_has_room(l, i) ? ork_heap_peek(&l->full[i]) : NULL;
            if (n && (!best || ork_lane_before(n, best)))
                best = n;
        }
        if (!best)
            return NULL;
        struct ork_lane *lane = ork_container(best, struct ork_lane, node);
        if (ork_window_has_room(l, lane->window))
            return lane;
        ork_lane_move(lane, &l->full[lane->window]);
    }
}
