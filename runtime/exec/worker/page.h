/* SPDX-License-Identifier: MIT */
/* What a worker and its scheduler share: one word per call that they hand to each other.
 *
 *   QUEUED ──worker, before the call──► STARTED ──worker, when the answer is written──► DONE
 *      └────scheduler────► REVOKED
 *
 * Each move is one compare-and-swap, so a call is either begun or taken back, never both, though the worker cannot read
 * while it computes and the scheduler cannot know what it does. Words carry the generation of their slot: what is said
 * of an earlier call in the same slot finds another word and does nothing.
 *
 * The page outlives the worker: after its death it tells which calls were begun, and only those may have done
 * something. */
#ifndef ORK_EXEC_WORKER_PAGE_H
#define ORK_EXEC_WORKER_PAGE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ORK_WORKER_SLOTS 64

enum ork_slot_state { ORK_SLOT_FREE, ORK_SLOT_QUEUED, ORK_SLOT_STARTED, ORK_SLOT_DONE, ORK_SLOT_REVOKED };

struct ork_worker_slot {
    _Atomic uint32_t word;    /* generation << 3 | state */
    _Atomic uint32_t stop;    /* word of the call that is to end (as STARTED), 0 none */
    _Atomic int64_t begun_ms; /* CLOCK_MONOTONIC, valid from STARTED on */
};
struct ork_worker_page {
    struct ork_worker_slot slots[ORK_WORKER_SLOTS];
    _Atomic uint32_t current; /* slot + 1 of the call that computes; 0 none */
    _Atomic uint32_t loads;   /* not 0: it loads a script */
};

static inline uint32_t ork_slot_word(uint32_t generation, enum ork_slot_state state)
{
    return generation << 3 | (uint32_t)state;
}

static inline bool ork_slot_move(struct ork_worker_slot *s, uint32_t generation, enum ork_slot_state from,
                                 enum ork_slot_state to)
{
    uint32_t expected = ork_slot_word(generation, from);

    return atomic_compare_exchange_strong(&s->word, &expected, ork_slot_word(generation, to));
}

static inline enum ork_slot_state ork_slot_state(struct ork_worker_slot *s)
{
    return (enum ork_slot_state)(atomic_load(&s->word) & 7);
}
#endif
