/* SPDX-License-Identifier: MIT */
/* Whose inputs are in memory: of the functions of tasks that wait (polls, the starts of executors). A thousand may be
 * due at once; what refers to results is read when its turn comes, and again for the next call. */
#ifndef ORK_ENGINE_TURNS_H
#define ORK_ENGINE_TURNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ork_active;
struct ork_live;
struct ork_engine;

struct ork_turn { /* of a job (deferred.h) */
    struct ork_turn *next, *before;
    struct ork_active *a;
    struct ork_live *l;
    void (*go)(struct ork_active *a, struct ork_live *l);
    enum { ORK_TURN_NONE, ORK_TURN_WAITS, ORK_TURN_READS, ORK_TURN_HOLDS } state;
    size_t bytes;
};
struct ork_turns { /* of an engine */
    struct ork_turn *first, *last;
    uint32_t reading;
    size_t bytes;
};

/* go() is called when its turn has come, by the loop; from then on it reads. Nothing for one that has a turn. */
void ork_turn_want(struct ork_active *a, struct ork_live *l, void (*go)(struct ork_active *a, struct ork_live *l));
bool ork_turn_reads(const struct ork_live *l);
void ork_turn_holds(struct ork_active *a, struct ork_live *l, size_t bytes); /* it was read, and is asked */
void ork_turn_over(struct ork_active *a, struct ork_live *l); /* answered, or its job goes; also when it has none */
void ork_turns_go(struct ork_engine *e);                      /* those whose turn has come */
#endif
