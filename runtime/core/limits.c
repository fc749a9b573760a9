/* SPDX-License-Identifier: MIT */
/* Runs and tasks of the limits; the idea is told in limits_priv.h. Law: whatever next or adopt took, done or run_remove
 * gives back, and an operation costs O(log), not O(waiting). */
#include "base/alloc.h"
#include "core/limits_priv.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ork_limits *ork_limits_new(uint32_t host)
{
    struct ork_limits *l = ork_zalloc(sizeof(*l));

    l->window[ORK_WINDOW_HOST] = host;
    l->window[ORK_WINDOW_INLINE] = l->window[ORK_WINDOW_LUA] = l->window[ORK_WINDOW_WAIT] = UINT32_MAX;
    l->pooled = UINT32_MAX;
    ork_heap_init(&l->open, ork_lane_before);
    for (int i = 0; i < ORK_WINDOWS; i++)
        ork_heap_init(&l->full[i], ork_lane_before);
    return l;
}

void ork_limits_free(struct ork_limits *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->pools_len; i++) {
        ork_heap_fini(&l->pools[i]->waiting);
        free(l->pools[i]->name);
        free(l->pools[i]);
    }
    free(l->pools);
    ork_heap_fini(&l->open);
    for (int i = 0; i < ORK_WINDOWS; i++)
        ork_heap_fini(&l->full[i]);
    free(l);
}

void ork_limits_window(struct ork_limits *l, uint32_t host)
{
    l->window[ORK_WINDOW_HOST] = host;
}

void ork_limits_window_of(struct ork_limits *l, int window, uint32_t tasks)
{
    l->window[window] = tasks;
}

void ork_limits_shut(struct ork_limits *l, int window, bool shut)
{
    l->shut[window] = shut;
}

void ork_limits_pooled(struct ork_limits *l, uint32_t tasks)
{
    l->pooled = tasks;
}

struct ork_limits_run *ork_limits_run_add(struct ork_limits *l, int32_t priority, uint32_t max_parallel, void *data)
{
    struct ork_limits_run *r = ork_zalloc(sizeof(*r));

    *r = (struct ork_limits_run){.limits = l, .data = data, .priority = priority, .max_parallel = max_parallel};
    r->served = ++l->clock;
    return r;
}

void ork_limits_run_remove(struct ork_limits *l, struct ork_limits_run *r)
{
    for (size_t i = 0; i < r->lanes_len; i++) {
        struct ork_lane *lane = r->lanes[i];
        ork_lane_move(lane, NULL);
        l->held[lane->window] -= lane->held;
        if (lane->pool) {
            ork_pool_let(lane->pool, lane->used);
            lane->pool->held -= lane->window != ORK_WINDOW_INLINE ? lane->held : 0;
            lane->pool->ready -= (uint32_t)lane->len;
            ork_pool_wake(l, lane->pool);
        }
        free(lane->entries);
        free(lane);
    }
    free(r->lanes);
    free(r->places);
    free(r);
}

void *ork_limits_run_data(const struct ork_limits_run *r)
{
    return r->data;
}

/* The run's lane for a pool, window and list; made when it is new. */
static struct ork_lane *find_lane(struct ork_limits *l, struct ork_limits_run *r, const struct ork_limits_place *at)
{
    struct ork_pool *p = at->pool ? ork_pool_find(l, at->pool, true) : NULL;

    for (size_t i = 0; i < r->lanes_len; i++)
        if (r->lanes[i]->pool == p && r->lanes[i]->window == at->window && r->lanes[i]->fan == at->fan)
            return r->lanes[i];
    struct ork_lane *lane = ork_zalloc(sizeof(*lane));
    lane->run = r;
    lane->pool = p;
    lane->window = at->window;
    lane->fan = at->fan;
    lane->most = at->most;
    lane->no = (uint32_t)r->lanes_len;
    void *items = r->lanes;
    ork_grow(&items, &r->lanes_cap, r->lanes_len + 1, sizeof(*r->lanes));
    r->lanes = items;
    r->lanes[r->lanes_len++] = lane;
    return lane;
}

/* ---- tasks ------------------------------------------------------------------------------------ */

static struct ork_lane_place *find_place(const struct ork_limits_run *r, uint32_t task)
{
    return task < r->places_cap && r->places[task].pos ? &r->places[task] : NULL;
}

void ork_limits_unready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task)
{
    struct ork_lane_place *at = find_place(r, task);

    if (!at)
        return;
    struct ork_lane *lane = r->lanes[at->lane];
    ork_lane_take(lane, at->pos - 1);
    ork_lane_update(l, lane);
}

void ork_limits_ready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task, int32_t priority, const char *pool,
                      uint32_t slots)
{
    ork_limits_ready_in(l, r, ORK_WINDOW_HOST, task, priority, pool, slots);
}

void ork_limits_ready_in(struct ork_limits *l, struct ork_limits_run *r, int window, uint32_t task, int32_t priority,
                         const char *pool, uint32_t slots)
{
    ork_limits_ready_at(l, r, task, priority,
                        &(struct ork_limits_place){.window = window, .pool = pool, .slots = slots});
}

/* A pool gives one slot at least. */
static uint32_t slots_of(const struct ork_limits_place *at)
{
    return !at->pool ? 0 : at->slots ? at->slots : 1;
}

void ork_limits_ready_at(struct ork_limits *l, struct ork_limits_run *r, uint32_t task, int32_t priority,
                         const struct ork_limits_place *at)
{
    ork_limits_unready(l, r, task);
    if (task >= r->places_cap) {
        size_t before = r->places_cap;
        void *items = r->places;
        ork_grow(&items, &r->places_cap, (size_t)task + 1, sizeof(*r->places));
        r->places = items;
        memset(r->places + before, 0, (r->places_cap - before) * sizeof(*r->places));
    }
    int64_t sum = (int64_t)priority + r->priority;
    struct ork_lane *lane = find_lane(l, r, at);
    r->places[task].lane = lane->no;
    ork_lane_add(lane, (struct ork_lane_entry){
                           .priority = sum > INT32_MAX   ? INT32_MAX
                                       : sum < INT32_MIN ? INT32_MIN
                                                         : (int32_t)sum,
                           .task = task,
                           .slots = slots_of(at),
                       });
    ork_lane_update(l, lane);
}

/* What a run holds is part of the order of its lanes: they are taken out while it changes. */
static void change_held(struct ork_limits *l, struct ork_lane *lane, bool more, uint32_t slots)
{
    struct ork_limits_run *r = lane->run;

    for (size_t i = 0; i < r->lanes_len; i++)
        ork_lane_move(r->lanes[i], NULL);
    l->held[lane->window] += more ? 1u : -1u;
    if (lane->window != ORK_WINDOW_WAIT)
        r->held += more ? 1u : -1u;
    lane->held += more ? 1u : -1u;
    lane->used += more ? slots : -slots;
    if (lane->pool) {
        if (more)
            lane->pool->used += slots;
        else
            ork_pool_let(lane->pool, slots);
        if (lane->window != ORK_WINDOW_INLINE)
            lane->pool->held += more ? 1u : -1u;
    }
    if (more)
        r->served = ++l->clock;
    for (size_t i = 0; i < r->lanes_len; i++)
        ork_lane_update(l, r->lanes[i]);
}

uint32_t ork_limits_adopt(struct ork_limits *l, struct ork_limits_run *r, const char *pool, uint32_t slots)
{
    return ork_limits_adopt_at(l, r,
                               &(struct ork_limits_place){.window = ORK_WINDOW_HOST, .pool = pool, .slots = slots});
}

uint32_t ork_limits_adopt_at(struct ork_limits *l, struct ork_limits_run *r, const struct ork_limits_place *at)
{
    struct ork_lane *lane = find_lane(l, r, at);
    uint32_t before = lane->pool ? lane->pool->granted : 0, more = 0, slots = slots_of(at);

    if (lane->pool && ork_pool_free(lane->pool) < slots) {
        lane->pool->granted = lane->pool->used + slots;
        more = lane->pool->granted > before ? lane->pool->granted - before : 0;
    }
    change_held(l, lane, true, slots);
    return more;
}

bool ork_limits_next(struct ork_limits *l, struct ork_limits_run **r, uint32_t *task)
{
    struct ork_lane *lane;

    while ((lane = ork_lane_next(l))) {
        if (ork_lane_park(l, lane))
            continue;
        ork_lane_move(lane, NULL); /* before its first entry, its place in the heap, goes */
        struct ork_lane_entry e = ork_lane_take(lane, 0);
        *r = lane->run;
        *task = e.task;
        change_held(l, lane, true, e.slots);
        return true;
    }
    return false;
}

void ork_limits_done(struct ork_limits *l, struct ork_limits_run *r, const char *pool, uint32_t slots)
{
    ork_limits_done_in(l, r, ORK_WINDOW_HOST, pool, slots);
}

void ork_limits_done_in(struct ork_limits *l, struct ork_limits_run *r, int window, const char *pool, uint32_t slots)
{
    ork_limits_done_at(l, r, &(struct ork_limits_place){.window = window, .pool = pool, .slots = slots});
}

void ork_limits_done_at(struct ork_limits *l, struct ork_limits_run *r, const struct ork_limits_place *at)
{
    struct ork_lane *lane = find_lane(l, r, at);
    const uint32_t slots = slots_of(at);

    assert(l->held[at->window] > 0 && (r->held > 0 || at->window == ORK_WINDOW_WAIT) && lane->held > 0 &&
           lane->used >= slots);
    change_held(l, lane, false, slots);
}

enum ork_held ork_limits_held(const struct ork_limits *l, const struct ork_limits_run *r, uint32_t task)
{
    const struct ork_lane_place *at = find_place(r, task);

    if (!at)
        return ORK_HELD_NOT;
    const struct ork_lane *lane = r->lanes[at->lane];
    if (ork_lane_is_full(lane))
        return lane->most && lane->held >= lane->most ? ORK_HELD_FAN : ORK_HELD_RUN;
    if (lane->pool && lane->window != ORK_WINDOW_INLINE && lane->pool->held >= l->pooled)
        return ORK_HELD_WINDOW;
    if (lane->pool && lane->entries[at->pos - 1].slots > ork_pool_free(lane->pool))
        return ORK_HELD_POOL;
    return ork_window_has_room(l, lane->window) ? ORK_HELD_NOT : ORK_HELD_WINDOW;
}
