/* SPDX-License-Identifier: MIT */
/* Inside of the limits. Ready tasks stand in lanes, one per run, pool and window (and per list of items that has a
 * limit of its own), each a heap by priority and task number. Lanes whose first task may start as far as we know are in
 * one heap, `open`; a lane that cannot go on is parked where its hindrance ends:
 *
 *   open ──(run at max_parallel)──► nowhere: all lanes of the run come back when it holds less
 *        ──(its list at its own)──► nowhere, the same
 *        ──(its window is full)───► full[window], a heap of the same order: looked at again while there is room
 *        ──(pool short of slots)──► pool->waiting, a heap of the same order: its first comes back when that one fits
 *
 * Order of lanes: priority of the first task, then the run that holds least, then the run served longest ago, then task
 * number. Within a pool nobody overtakes: a lane is parked behind a better one that waits there, else tasks of one slot
 * would starve one of two. Laws: an operation costs O(log), not O(waiting); what a run holds is given back when it is
 * removed. */
#ifndef ORK_CORE_LIMITS_PRIV_H
#define ORK_CORE_LIMITS_PRIV_H
#include "core/limits.h"

struct ork_lane_entry {
    int32_t priority; /* of task and run */
    uint32_t task, slots;
};

struct ork_pool {
    char *name;              /* owned */
    struct ork_heap waiting; /* lanes parked here */
    uint32_t granted, used;  /* slots of this scheduler */
    uint32_t held;           /* processes that use them */
    uint32_t over, owed;     /* granted beyond the pool's size; taken off and not yet given back to the store */
    uint32_t ready;          /* ready tasks, parked or not */
    uint32_t asked;          /* slots wished for and not answered; 0 none */
    bool woken;              /* somebody released while a wish was under way */
    bool refused;            /* the store gave less than was asked: quiet until somebody releases */
};

struct ork_lane {
    struct ork_heap_node node;      /* in home */
    struct ork_heap *home;          /* borrowed; NULL: empty or the run is full */
    struct ork_limits_run *run;     /* borrowed */
    struct ork_pool *pool;          /* borrowed; NULL: tasks without pool */
    struct ork_lane_entry *entries; /* owned heap */
    size_t len, cap;
    uint32_t no;         /* in run->lanes */
    int window;          /* enum ork_window */
    uint32_t fan, most;  /* which list of items it is of, and how many of them at once; 0 */
    uint64_t slots;      /* sum over entries */
    uint32_t held, used; /* tasks started from here and not done; their slots */
};

struct ork_lane_place {
    uint32_t lane, pos; /* pos: 1-based in lane->entries; 0: the task is not ready */
};

struct ork_limits_run {
    struct ork_limits *limits; /* borrowed */
    void *data;                /* borrowed */
    int32_t priority;
    uint32_t max_parallel, held; /* held: not of what only waits */
    uint64_t served;             /* l->clock at its last start */
    struct ork_lane **lanes;     /* owned */
    size_t lanes_len, lanes_cap;
    struct ork_lane_place *places; /* owned; by task number, as far as one was ready */
    size_t places_cap;
};

struct ork_limits {
    struct ork_heap open, full[ORK_WINDOWS];
    uint32_t window[ORK_WINDOWS], held[ORK_WINDOWS];
    bool shut[ORK_WINDOWS];
    uint32_t pooled; /* processes of one pool that may be held at once */
    uint64_t clock;
    struct ork_pool **pools; /* owned, sorted by name */
    size_t pools_len, pools_cap;
};

/* ---- lanes */

bool ork_lane_before(const struct ork_heap_node *a, const struct ork_heap_node *b);
void ork_lane_add(struct ork_lane *lane, struct ork_lane_entry e);
struct ork_lane_entry ork_lane_take(struct ork_lane *lane, size_t i);
void ork_lane_move(struct ork_lane *lane, struct ork_heap *home);  /* NULL: nowhere */
void ork_lane_update(struct ork_limits *l, struct ork_lane *lane); /* the first entry, or what its run holds, changed */
bool ork_lane_park(struct ork_limits *l, struct ork_lane *lane);   /* true: the pool holds its first task back */
bool ork_lane_is_full(const struct ork_lane *lane);                /* its run is at max_parallel, or its list */
bool ork_window_has_room(const struct ork_limits *l, int window);
struct ork_lane *ork_lane_next(struct ork_limits *l); /* the best one whose window has room; NULL none */

/* ---- pools */

struct ork_pool *ork_pool_find(struct ork_limits *l, const char *name, bool make);
uint32_t ork_pool_free(const struct ork_pool *p);
void ork_pool_let(struct ork_pool *p, uint32_t slots);                       /* used no more */
bool ork_pool_fits(const struct ork_limits *l, const struct ork_lane *lane); /* its first task, in its pool */
struct ork_lane *ork_pool_first(const struct ork_pool *p);                   /* the best lane that waits; NULL none */
void ork_pool_wake(struct ork_limits *l,
                   struct ork_pool *p); /* lets the first lane go on when its first task fits; p may be NULL */
#endif
