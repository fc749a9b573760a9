/* SPDX-License-Identifier: MIT */
/* Pools: slots that the store granted to this scheduler, what is used of them, and who waits for more. */
#include "base/alloc.h"
#include "core/limits_priv.h"
#include <string.h>

uint32_t ork_pool_free(const struct ork_pool *p)
{
    return p->granted > p->used ? p->granted - p->used : 0;
}

struct ork_lane *ork_pool_first(const struct ork_pool *p)
{
    struct ork_heap_node *n = ork_heap_peek(&p->waiting);

    return n ? ork_container(n, struct ork_lane, node) : NULL;
}

/* What the pool is over its size goes first, before anybody else of ours may use it. */
void ork_pool_let(struct ork_pool *p, uint32_t slots)
{
    uint32_t less = p->over < slots ? p->over : slots;

    p->used -= slots;
    p->over -= less;
    p->granted -= less;
    p->owed += less;
}

void ork_limits_pool_over(struct ork_limits *l, const char *pool, uint32_t slots)
{
    struct ork_pool *p = ork_pool_find(l, pool, true);
    uint32_t unused = ork_pool_free(p), now = unused < slots ? unused : slots;

    p->granted -= now;
    p->owed += now;
    p->over += slots - now;
}

static bool is_crowded(const struct ork_limits *l, const struct ork_lane *lane)
{
    return lane->window != ORK_WINDOW_INLINE && lane->pool->held >= l->pooled;
}

bool ork_pool_fits(const struct ork_limits *l, const struct ork_lane *lane)
{
    return !is_crowded(l, lane) && lane->entries->slots <= ork_pool_free(lane->pool);
}

/* Lets the first lane that waits for the pool go on, when its first task fits. */
void ork_pool_wake(struct ork_limits *l, struct ork_pool *p)
{
    struct ork_lane *first = p ? ork_pool_first(p) : NULL;

    if (first && ork_pool_fits(l, first))
        ork_lane_move(first, &l->open);
}

struct ork_pool *ork_pool_find(struct ork_limits *l, const char *name, bool make)
{
    size_t low = 0, high = l->pools_len;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = strcmp(l->pools[mid]->name, name);
        if (c == 0)
            return l->pools[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (!make)
        return NULL;
    struct ork_pool *p = ork_zalloc(sizeof(*p));
    p->name = ork_strdup(name);
    ork_heap_init(&p->waiting, ork_lane_before);
    void *items = l->pools;
    ork_grow(&items, &l->pools_cap, l->pools_len + 1, sizeof(*l->pools));
    l->pools = items;
    memmove(l->pools + low + 1, l->pools + low, (l->pools_len - low) * sizeof(*l->pools));
    l->pools[low] = p;
    l->pools_len++;
    return p;
}

void ork_limits_pool_grant(struct ork_limits *l, const char *pool, uint32_t granted)
{
    struct ork_pool *p = ork_pool_find(l, pool, true);

    p->refused = granted < p->asked && !p->woken;
    p->asked = 0;
    p->woken = false;
    p->granted += granted;
    ork_pool_wake(l, p);
}

uint32_t ork_limits_pool_least(const struct ork_limits *l, const char *pool)
{
    const struct ork_pool *p = ork_pool_find((struct ork_limits *)l, pool, false);
    const struct ork_lane *first = p ? ork_pool_first(p) : NULL;

    return first && first->entries->slots > ork_pool_free(p) ? first->entries->slots - ork_pool_free(p) : 0;
}

static void allow_wish(struct ork_pool *p)
{
    p->refused = false;
    p->woken = p->asked > 0; /* the answer under way may be older than the release */
}

void ork_limits_pool_wake(struct ork_limits *l, const char *pool)
{
    struct ork_pool *p = pool ? ork_pool_find(l, pool, false) : NULL;

    if (p)
        allow_wish(p);
    for (size_t i = 0; !pool && i < l->pools_len; i++)
        allow_wish(l->pools[i]);
}

/* Slots for as many waiting tasks as the window and their runs leave room for: at least what the first lacks. */
static uint32_t wanted(const struct ork_limits *l, const struct ork_pool *p)
{
    uint64_t room[ORK_WINDOWS], slots = 0;
    for (int i = 0; i < ORK_WINDOWS; i++)
        room[i] = l->window[i] > l->held[i] ? l->window[i] - l->held[i] : 0;
    for (int i = 0; i < ORK_WINDOWS; i++) {
        if (i != ORK_WINDOW_INLINE && room[i] > l->pooled - p->held)
            room[i] = l->pooled - p->held;
    }
    const uint32_t first = ork_pool_first(p)->entries->slots;

    for (size_t i = 0; i < p->waiting.len; i++) {
        const struct ork_lane *lane = ork_container(p->waiting.items[i], struct ork_lane, node);
        const struct ork_limits_run *r = lane->run;
        uint64_t tasks = lane->len < room[lane->window] ? lane->len : room[lane->window];
        if (r->max_parallel && tasks > r->max_parallel - r->held)
            tasks = r->max_parallel - r->held;
        if (lane->most && tasks > lane->most - lane->held)
            tasks = lane->most - lane->held;
        if (tasks > 0)
            slots += tasks == lane->len ? lane->slots : tasks > lane->entries->slots ? tasks : lane->entries->slots;
        room[lane->window] -= tasks;
    }
    if (slots < first)
        slots = first;
    slots -= ork_pool_free(p);
    return slots < UINT32_MAX ? (uint32_t)slots : UINT32_MAX;
}

/* So that who waits is seen whether or not ork_limits_next was asked before. */
static void park_all(struct ork_limits *l)
{
    struct ork_lane *lane;

    while ((lane = ork_lane_next(l)) && ork_lane_park(l, lane))
        ;
}

bool ork_limits_pool_wish(struct ork_limits *l, const char **pool, uint32_t *more)
{
    park_all(l);
    for (size_t i = 0; i < l->pools_len; i++) {
        struct ork_pool *p = l->pools[i];
        const struct ork_lane *first = ork_pool_first(p);
        if (!first || p->asked || p->refused || is_crowded(l, first) || first->entries->slots <= ork_pool_free(p))
            continue;
        p->asked = wanted(l, p);
        *pool = p->name;
        *more = p->asked;
        return true;
    }
    return false;
}

/* What was owed, and what nothing of ours could use: nobody is ready, or what we have is too little and no more was to
 * be had. In the latter case there is more from now on, if only by what we give back: nobody else tells us. */
uint32_t ork_limits_pool_return(struct ork_limits *l, const char *pool)
{
    struct ork_pool *p = ork_pool_find(l, pool, false);

    if (!p)
        return 0;
    park_all(l);
    const struct ork_lane *first = ork_pool_first(p);
    uint32_t back = p->owed;
    p->owed = 0;
    if (!p->ready || (p->refused && first && first->entries->slots > ork_pool_free(p))) {
        back += ork_pool_free(p);
        p->granted -= ork_pool_free(p);
    }
    if (back)
        allow_wish(p);
    return back;
}
