/* SPDX-License-Identifier: MIT */
/* A scheduler that stays up, on a clock that the test sets. The clock is years ahead, so no real timer rings: whoever
 * sets it says so, as the kernel would. */
#ifndef TEST_LIB_SERVE_H
#define TEST_LIB_SERVE_H
#include "engine/engine.h"
#include "engine/lib_engine.h"

#define SERVE_T0 1893456000000ll /* 2030-01-01T00:00:00Z, a Tuesday */
#define SERVE_HOUR 3600000ll

void serve_clock(ork_engine *e, _Atomic int64_t *now_ms); /* from now on the engine reads this */
bool serve_idle(const ork_engine *e);                     /* nothing is under way: no read, no commit, no run */
bool serve_rests(const ork_engine *e);                    /* the same, but runs may be */
void serve_begin(struct world *w, int64_t now_ms);        /* the world's engine becomes a scheduler at that time */
void serve_at(struct world *w, int64_t now_ms);   /* time passes until then: what is due is done, runs may go on */
void serve_over(struct world *w, int64_t now_ms); /* the same, and all runs have ended */
void serve_set(struct world *w, int64_t now_ms);  /* the clock is set; all runs have ended */
void serve_rest(struct world *w);                 /* drives until it rests */
/* Applies a workflow of one task; command NULL: one that ends at once without a process. option: JSON of `schedule`. */
void serve_apply(struct world *w, const char *name, const char *option, const char *command);
#endif
