/* SPDX-License-Identifier: MIT */
/* Who may start next: ready tasks of all runs in one order (priority of task + run, then fair between runs, then task
 * order), held back by its window (of the host: slots + ahead), by each run's max_parallel, and by pool slots. Pure; no
 * allocation per task beyond one heap node. Pools are granted by the store first (ork_limits_pool_*). */
#ifndef ORK_CORE_LIMITS_H
#define ORK_CORE_LIMITS_H
#include "base/heap.h"
#include <ork/ork.h>

struct ork_limits;
struct ork_limits_run; /* one per active run */

/* Processes, functions of this program and functions in workers do not take each other's places: a window each. What
 * only waits has one without bounds, and max_parallel does not hold it back either. */
enum ork_window { ORK_WINDOW_HOST, ORK_WINDOW_INLINE, ORK_WINDOW_LUA, ORK_WINDOW_WAIT, ORK_WINDOWS };

/* host: processes that may be dispatched or running at once on this host. Functions are not bounded at first. */
struct ork_limits *ork_limits_new(uint32_t host);
void ork_limits_free(struct ork_limits *l); /* NULL is fine: an engine that failed to open */
void ork_limits_window(struct ork_limits *l, uint32_t host);
void ork_limits_window_of(struct ork_limits *l, int window, uint32_t tasks);
void ork_limits_shut(struct ork_limits *l, int window, bool shut); /* nothing may start there, whatever room there is */
/* Of the tasks of one pool at most so many may be dispatched or running at once on this host; no bound at first. A slot
 * is for a task that runs: those of pools are not handed to the agent ahead of its slots. */
void ork_limits_pooled(struct ork_limits *l, uint32_t tasks);
struct ork_limits_run *ork_limits_run_add(struct ork_limits *l, int32_t priority, uint32_t max_parallel, void *data);
void ork_limits_run_remove(struct ork_limits *l, struct ork_limits_run *r); /* gives back what it holds */
void *ork_limits_run_data(const struct ork_limits_run *r);
/* pool: NULL none. */
void ork_limits_ready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task, int32_t priority, const char *pool,
                      uint32_t slots);
void ork_limits_ready_in(struct ork_limits *l, struct ork_limits_run *r, int window, uint32_t task, int32_t priority,
                         const char *pool, uint32_t slots); /* ork_limits_ready: in the window of the host */
/* Where a task stands in the queue; what it takes when it starts. */
struct ork_limits_place {
    int window;
    const char *pool; /* NULL none */
    uint32_t slots;   /* of the pool */
    uint32_t fan;     /* of items whose own limit is `most`: which list they are of, from 1; 0 */
    uint32_t most;    /* of that list at once */
};
void ork_limits_ready_at(struct ork_limits *l, struct ork_limits_run *r, uint32_t task, int32_t priority,
                         const struct ork_limits_place *at);
uint32_t ork_limits_adopt_at(struct ork_limits *l, struct ork_limits_run *r, const struct ork_limits_place *at);
void ork_limits_done_at(struct ork_limits *l, struct ork_limits_run *r, const struct ork_limits_place *at);
void ork_limits_unready(struct ork_limits *l, struct ork_limits_run *r, uint32_t task);
/* The next task that may start; takes window, max_parallel and pool slots. false: none now.
 * A task whose pool has too few granted slots is passed over; its wish is seen by ork_limits_pool_wish. */
bool ork_limits_next(struct ork_limits *l, struct ork_limits_run **r, uint32_t *task);
/* An attempt that lives already (found again after a restart): it takes what ork_limits_next would have taken, beyond
 * the window and max_parallel too; the pool counts as granted what it needs for that. Returns how many
 * slots more that is: the store must be told so. */
uint32_t ork_limits_adopt(struct ork_limits *l, struct ork_limits_run *r, const char *pool, uint32_t slots);
void ork_limits_done(struct ork_limits *l, struct ork_limits_run *r, const char *pool,
                     uint32_t slots); /* an attempt ended or was recalled */
void ork_limits_done_in(struct ork_limits *l, struct ork_limits_run *r, int window, const char *pool, uint32_t slots);
/* Pools: slots this scheduler was granted by the store. */
void ork_limits_pool_grant(struct ork_limits *l, const char *pool, uint32_t granted); /* granted in addition */
/* Next pool that wants more slots than it has: how many more; asks once until the next grant or wake. */
bool ork_limits_pool_wish(struct ork_limits *l, const char **pool, uint32_t *more);
uint32_t ork_limits_pool_least(const struct ork_limits *l,
                               const char *pool); /* how many the first that waits there lacks: fewer help nobody */
void ork_limits_pool_wake(struct ork_limits *l,
                          const char *pool); /* somebody released there (NULL: somewhere): wish again */
/* Slots granted but unused now, to be given back to the store: returns how many were taken out (0 keeps). */
void ork_limits_pool_over(struct ork_limits *l, const char *pool,
                          uint32_t slots); /* the pool had no room for so many that adopt took: they are
                                            * given back before anybody else of ours may use them */
uint32_t ork_limits_pool_return(struct ork_limits *l, const char *pool);
/* For `why`: what holds this ready task back. */
enum ork_held { ORK_HELD_NOT, ORK_HELD_WINDOW, ORK_HELD_RUN, ORK_HELD_POOL, ORK_HELD_FAN };
enum ork_held ork_limits_held(const struct ork_limits *l, const struct ork_limits_run *r, uint32_t task);
#endif
