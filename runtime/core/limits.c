/* SPDX-License-Identifier: MIT */
/* Ready tasks stand in lanes, one per run and pool, each a heap by priority and task number. Lanes whose first task may
 * start as far as we know are in one heap, `open`; a lane that cannot go on is parked where its hindrance ends:
 *
 *   open ──(run at max_parallel)──► nowhere: all lanes of the run come back when it holds less
 *        ──(pool short of slots)──► pool->waiting, a heap of the same order: its first comes back when that one fits
 *
 * Order of lanes: priority of the first task, then the run that holds least, then the run served longest ago, then task
 * number. Within a pool nobody overtakes: a lane is parked behind a better one that waits there, else tasks of one slot
 * would starve one of two. Laws: an operation costs O(log), not O(waiting); what a run holds is given back when it is
 * removed. */
#include "core/limits.h"
#include "base/alloc.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    int32_t priority; /* of task and run */
    uint32_t task, slots;
};

struct pool {
    char *name;              /* owned */
    struct ork_heap waiting; /* lanes parked here */
    uint32_t granted, used;  /* slots of this scheduler */
    uint32_t ready;          /* ready tasks, parked or not */
    uint32_t asked;          /* slots wished for and not answered; 0 none */
    bool woken;              /* somebody released while a wish was under way */
    bool refused;            /* the store gave less than was asked: quiet until somebody releases */
};

struct lane {
    struct ork_heap_node node;  /* in home */
    struct ork_heap *home;      /* borrowed; NULL: empty or the run is full */
    struct ork_limits_run *run; /* borrowed */
    struct pool *pool;          /* borrowed; NULL: tasks without pool */
    struct entry *entries;      /* owned heap */
    size_t len, cap;
    uint64_t slots;      /* sum over entries */
    uint32_t held, used; /* tasks started from here and not done; their slots */
};

struct place {
    uint32_t lane, pos; /* pos: 1-based in lane->entries; 0: the task is not ready */
};

struct ork_limits_run {
    struct ork_limits *limits; /* borrowed */
    void *data;                /* borrowed */
    int32_t priority;
    uint32_t max_parallel, held;
    uint64_t served;     /* l->clock at its last start */
    struct lane **lanes; /* owned */
    size_t lanes_len, lanes_cap;
    struct place *places; /* owned; by task number, as far as one was ready */
    size_t places_cap;
};

struct ork_limits {
    struct ork_heap open;
    uint32_t window, held;
    uint64_t clock;
    struct pool **pools; /* owned, sorted by name */
    size_t pools_len, pools_cap;
};

/* ---- entries of a lane ------------------------------------------------------------------------ */

static bool entry_before(const struct entry *a, const struct entry *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->task < b->task;
}

static void put_entry(struct lane *lane, size_t i, struct entry e)
{
    lane->entries[i] = e;
    lane->run->places[e.task].pos = (uint32_t)i + 1;
}

static void sift(struct lane *lane, size_t i, struct entry e)
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

static void add_entry(struct lane *lane, struct entry e)
{
    void *items = lane->entries;

    ork_grow(&items, &lane->cap, lane->len + 1, sizeof(*lane->entries));
    lane->entries = items;
    lane->slots += e.slots;
    if (lane->pool)
        lane->pool->ready++;
    sift(lane, lane->len++, e);
}

static struct entry take_entry(struct lane *lane, size_t i)
{
    struct entry e = lane->entries[i], last = lane->entries[--lane->len];

    lane->run->places[e.task].pos = 0;
    lane->slots -= e.slots;
    if (lane->pool)
        lane->pool->ready--;
    if (i < lane->len)
        sift(lane, i, last);
    return e;
}

/* ---- lanes ------------------------------------------------------------------------------------ */

static bool lane_before(const struct ork_heap_node *na, const struct ork_heap_node *nb)
{
    const struct lane *a = ork_container(na, struct lane, node), *b = ork_container(nb, struct lane, node);
    const struct entry *ea = a->entries, *eb = b->entries;

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

static void move_lane(struct lane *lane, struct ork_heap *home)
{
    if (lane->home)
        ork_heap_remove(lane->home, &lane->node);
    lane->home = home;
    if (home)
        ork_heap_push(home, &lane->node);
}

static bool run_is_full(const struct ork_limits_run *r)
{
    return r->max_parallel && r->held >= r->max_parallel;
}

static uint32_t pool_free(const struct pool *p)
{
    return p->granted > p->used ? p->granted - p->used : 0;
}

static struct lane *first_waiting(const struct pool *p)
{
    struct ork_heap_node *n = ork_heap_peek(&p->waiting);

    return n ? ork_container(n, struct lane, node) : NULL;
}

/* Lets the first lane that waits for the pool go on, when its first task fits. */
static void wake_pool(struct ork_limits *l, struct pool *p)
{
    struct lane *first = p ? first_waiting(p) : NULL;

    if (first && first->entries->slots <= pool_free(p))
        move_lane(first, &l->open);
}

/* The first entry, or what its run holds, changed. */
static void update_lane(struct ork_limits *l, struct lane *lane)
{
    if (lane->len == 0 || run_is_full(lane->run))
        move_lane(lane, NULL);
    else if (lane->home)
        ork_heap_update(lane->home, &lane->node);
    else
        move_lane(lane, &l->open);
    wake_pool(l, lane->pool);
}

static void update_run(struct ork_limits *l, struct ork_limits_run *r)
{
    for (size_t i = 0; i < r->lanes_len; i++)
        update_lane(l, r->lanes[i]);
}

/* ---- pools ------------------------------------------------------------------------------------ */

static struct pool *find_pool(struct ork_limits *l, const char *name, bool make)
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
    struct pool *p = ork_zalloc(sizeof(*p));
    p->name = ork_strdup(name);
    ork_heap_init(&p->waiting, lane_before);
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
    struct pool *p = find_pool(l, pool, true);

    p->refused = granted < p->asked && !p->woken;
    p->asked = 0;
    p->woken = false;
    p->granted += granted;
    wake_pool(l, p);
}

void ork_limits_pool_wake(struct ork_limits *l, const char *pool)
{
    struct pool *p = find_pool(l, pool, false);

    if (!p)
        return;
    p->refused = false;
    p->woken = p->asked > 0; /* the answer under way may be older than the release */
}

/* Slots for as many waiting tasks as the window and their runs leave room for: at least what the first lacks. */
static uint32_t wanted(const struct ork_limits *l, const struct pool *p)
{
    uint64_t room = l->window > l->held ? l->window - l->held : 0, slots = 0;
    const uint32_t first = first_waiting(p)->entries->slots;

    for (size_t i = 0; i < p->waiting.len && room > 0; i++) {
        const struct lane *lane = ork_container(p->waiting.items[i], struct lane, node);
        const struct ork_limits_run *r = lane->run;
        uint64_t tasks = lane->len < room ? lane->len : room;
        if (r->max_parallel && tasks > r->max_parallel - r->held)
            tasks = r->max_parallel - r->held;
        slots += tasks == lane->len ? lane->slots : tasks > lane->entries->slots ? tasks : lane->entries->slots;
        room -= tasks;
    }
    if (slots < first)
        slots = first;
    slots -= pool_free(p);
    return slots < UINT32_MAX ? (uint32_t)slots : UINT32_MAX;
}

bool ork_limits_pool_wish(struct ork_limits *l, const char **pool, uint32_t *more)
{
    for (size_t i = 0; i < l->pools_len; i++) {
        struct pool *p = l->pools[i];
        struct lane *first = first_waiting(p);
        if (!first || p->asked || p->refused || first->entries->slots <= pool_free(p))
            continue;
        p->asked = wanted(l, p);
        *pool = p->name;
        *more = p->asked;
        return true;
    }
    return false;
}

/* Nothing of ours could use them: nobody is ready, or what we have is too little and no more is to be had. */
uint32_t ork_limits_pool_return(struct ork_limits *l, const char *pool)
{
    struct pool *p = find_pool(l, pool, false);
    const struct lane *first = p ? first_waiting(p) : NULL;

    if (!p || (p->ready && !(p->refused && first && first->entries->slots > pool_free(p))))
        return 0;
    uint32_t unused = pool_free(p);
    p->granted -= unused;
    return unused;
}

/* ---- runs ------------------------------------------------------------------------------------- */

struct ork_limits *ork_limits_new(uint32_t window)
{
    struct ork_limits *l = ork_zalloc(sizeof(*l));

    l->window = window;
    ork_heap_init(&l->open, lane_before);
    return l;
}

void ork_limits_free(struct ork_limits *l)
{
    for (size_t i = 0; i < l->pools_len; i++) {
        ork_heap_fini(&l->pools[i]->waiting);
        free(l->pools[i]->name);
        free(l->pools[i]);
    }
    free(l->pools);
    ork_heap_fini(&l->open);
    free(l);
}

void ork_limits_window(struct ork_limits *l, uint32_t window)
{
    l->window = window;
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
        struct lane *lane = r->lanes[i];
        move_lane(lane, NULL);
        if (lane->pool) {
            lane->pool->used -= lane->used;
            lane->pool->ready -= (uint32_t)lane->len;
            wake_pool(l, lane->pool);
        }
        free(lane->entries);
        free(lane);
    }
    l->held -= r->held;
    free(r->lanes);
    free(r->places);
    free(r);
}

void *ork_limits_run_data(const struct ork_limits_run *r)
{
    return r->data;
}

/* The number of the run's lane for a pool; made when it is new. */
static size_t find_lane(struct ork_limits *l, struct ork_limits_run *r, const char *pool)
{
    struct pool *p = pool ? find_pool(l, pool, true) : NULL;

    for (size_t i = 0; i < r->lanes_len; i++)
        if (r->lanes[i]->pool == p)
            return i;
    struct lane *lane = ork_zalloc(sizeof(*lane));
    lane->run = r;
    lane->pool = p;
    void *items = r->lanes;
    ork_grow(&items, &r->lanes_cap, r->lanes_len + 1, sizeof(*r->lanes));
    r->lanes = items;
    r->lanes[r->lanes_len] = lane;
    return r->lanes_len++;
}

/* ---- tasks ------------------------------------------------------------------------------------ */

static struct place *find_place(const struct ork_limits_run *r, uint32_t task)
{
    return task < r->places_cap && r->places[task].pos ? &r->places[task] : NULL;
}

void ork_limits_unready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task)
{
    struct place *at = find_place(r, task);

    if (!at)
        return;
    struct lane *lane = r->lanes[at->lane];
    take_entry(lane, at->pos - 1);
    update_lane(l, lane);
}

void ork_limits_ready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task, int32_t priority, const char *pool,
                      uint32_t slots)
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
    size_t no = find_lane(l, r, pool);
    r->places[task].lane = (uint32_t)no;
    add_entry(r->lanes[no], (struct entry){
                                .priority = sum > INT32_MAX   ? INT32_MAX
                                            : sum < INT32_MIN ? INT32_MIN
                                                              : (int32_t)sum,
                                .task = task,
                                .slots = !pool   ? 0
                                         : slots ? slots
                                                 : 1,
                            });
    update_lane(l, r->lanes[no]);
}

static void hold(struct ork_limits *l, struct lane *lane, uint32_t slots)
{
    struct ork_limits_run *r = lane->run;

    l->held++;
    r->held++;
    r->served = ++l->clock;
    lane->held++;
    lane->used += slots;
    if (lane->pool)
        lane->pool->used += slots;
    update_run(l, r);
}

void ork_limits_adopt(struct ork_limits *l, struct ork_limits_run *r, const char *pool, uint32_t slots)
{
    struct lane *lane = r->lanes[find_lane(l, r, pool)];

    slots = !pool ? 0 : slots ? slots : 1;
    if (lane->pool && pool_free(lane->pool) < slots)
        lane->pool->granted = lane->pool->used + slots; /* the store counted them when they started */
    hold(l, lane, slots);
}

/* Parks the lane when its pool holds its first task back. */
static bool park(struct ork_limits *l, struct lane *lane)
{
    struct pool *p = lane->pool;
    const struct lane *first = p ? first_waiting(p) : NULL;
    if (p && (lane->entries->slots > pool_free(p) || (first && lane_before(&first->node, &lane->node)))) {
        move_lane(lane, &p->waiting);
        wake_pool(l, p);
        return true;
    }
    return false;
}

bool ork_limits_next(struct ork_limits *l, struct ork_limits_run **r, uint32_t *task)
{
    struct ork_heap_node *first;

    while (l->held < l->window && (first = ork_heap_peek(&l->open))) {
        struct lane *lane = ork_container(first, struct lane, node);
        if (park(l, lane))
            continue;
        struct entry e = take_entry(lane, 0);
        *r = lane->run;
        *task = e.task;
        hold(l, lane, e.slots);
        return true;
    }
    return false;
}

void ork_limits_done(struct ork_limits *l, struct ork_limits_run *r, const char *pool, uint32_t slots)
{
    struct lane *lane = r->lanes[find_lane(l, r, pool)];

    slots = !pool ? 0 : slots ? slots : 1;
    assert(l->held > 0 && r->held > 0 && lane->held > 0 && lane->used >= slots);
    l->held--;
    r->held--;
    lane->held--;
    lane->used -= slots;
    if (lane->pool)
        lane->pool->used -= slots;
    update_run(l, r);
    wake_pool(l, lane->pool);
}

enum ork_held ork_limits_held(const struct ork_limits *l, const struct ork_limits_run *r, uint32_t task)
{
    const struct place *at = find_place(r, task);

    if (!at)
        return ORK_HELD_NOT;
    const struct lane *lane = r->lanes[at->lane];
    if (run_is_full(r))
        return ORK_HELD_RUN;
    if (lane->pool && lane->entries[at->pos - 1].slots > pool_free(lane->pool))
        return ORK_HELD_POOL;
    return l->held >= l->window ? ORK_HELD_WINDOW : ORK_HELD_NOT;
}
