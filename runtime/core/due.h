/* SPDX-License-Identifier: MIT */
/* What is to be done about a schedule now: one step at a time, each a function of where it stands and of the clock.
 * Pure.
 *
 * A time t is acted on at t + jitter(t). It was missed when that is more than ORK_ON_TIME_MS ago: nobody was there (no
 * scheduler, a machine asleep, a clock set forward).
 *
 *   where it stands                    times that are due        a run for
 *   it waited for its last run         overlap queue, or skip    each, at most catchup_limit of the newest
 *                                      with catchup all
 *                                      else                      the newest
 *   none was missed                    –                         each
 *   some were missed                   catchup none              those on time
 *                                      latest                    the newest
 *                                      all                       each, at most catchup_limit of the newest
 *
 * Steps are taken until nothing is due; a crash between two of them loses nothing, since the next begins where the last
 * one that is durable ended. */
#ifndef ORK_CORE_DUE_H
#define ORK_CORE_DUE_H
#include "core/schedule.h"

#define ORK_ON_TIME_MS 60000
#define ORK_DROPPED_MOST 1000 /* passed over times are counted up to this */

struct ork_due {
    bool due;                 /* false: nothing is to be done before fire_ms */
    int64_t run_ms;           /* the time that a run is started for; 0: none, the schedule only goes on */
    bool caught_up;           /* run_ms was missed, or waited its turn */
    int64_t next_ms;          /* the next time after this step; 0: none any more. Not due: as it stands */
    int64_t fire_ms;          /* the instant to act on next_ms */
    uint32_t dropped;         /* times passed over by this step, at most ORK_DROPPED_MOST (then: or more) */
    int64_t first_dropped_ms; /* the oldest of them; 0 none */
};
/* next_ms: its next time as it stands, > 0. seed: as of ork_schedule_jitter. */
void ork_due_step(const struct ork_schedule *s, const void *seed, size_t n, int64_t next_ms, bool waited,
                  int64_t now_ms, struct ork_due *out);
/* A schedule begins, or begins anew, at now_ms: its next time and the instant to act on it; false: none any more. */
bool ork_due_begin(const struct ork_schedule *s, const void *seed, size_t n, int64_t now_ms, int64_t *next_ms,
                   int64_t *fire_ms);
#endif
