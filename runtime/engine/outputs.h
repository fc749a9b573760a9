/* SPDX-License-Identifier: MIT */
/* The least recently used outputs and errors of tasks, in memory. */
#ifndef ORK_ENGINE_OUTPUTS_H
#define ORK_ENGINE_OUTPUTS_H
#include <jansson.h>
#include <ork/ork.h>
#include <uthash.h>

struct ork_active;

/* ITEMS, RESULTS: the lists that gather.c makes of what items left. */
enum ork_cached_what { ORK_CACHED_OUTPUT, ORK_CACHED_ERROR, ORK_CACHED_ITEMS, ORK_CACHED_RESULTS };
struct ork_cached {
    struct {
        ork_id run;
        uint32_t task, what;
    } key;
    json_t *output;
    size_t bytes;
    struct ork_cached *prev, *next;
    UT_hash_handle hh;
};

void ork_outputs_put(ork_engine *e, const ork_id *run, uint32_t task, enum ork_cached_what what,
                     json_t *value); /* NULL: it has none */
bool ork_outputs_get(ork_engine *e, const ork_id *run, uint32_t task, enum ork_cached_what what,
                     json_t **value); /* false: not cached; borrowed */
void ork_outputs_forget(struct ork_active *a, uint32_t task, enum ork_cached_what what);
void ork_outputs_leave(struct ork_active *a); /* its run is about to leave the table */
void ork_outputs_fini(ork_engine *e);
#endif
