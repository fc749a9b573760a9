/* SPDX-License-Identifier: MIT */
/* A registered store with one run of the workflow "etl". Each case runs on every backend. */
#ifndef TESTS_UNIT_STORE_LIB_WORLD_H
#define TESTS_UNIT_STORE_LIB_WORLD_H
#include "store/lib_store.h"

extern const char *world_place; /* how names of databases begin */

struct world {
    struct test_store t;
    char *url; /* owned */
    ork_workflow *w;
    struct ork_new_run run;
    struct ork_batch b;
};
void world_open(struct world *x, uint32_t tasks);
void world_close(struct world *x);
struct ork_rows *world_run(struct world *x, const ork_id *id);
struct ork_rows *world_tasks(struct world *x, const char *statuses, int64_t limit);
ork_id world_task(struct world *x, uint32_t no);           /* id of a task of the run */
void world_create(struct world *x, struct ork_new_run *c); /* applies it */
void world_put_run(struct world *x, const ork_id *id, int status, bool release);

#define WORLD_MAIN(name)                                                                                               \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        world_place = name;                                                                                            \
        return TEST_ON_ALL(name, tests);                                                                               \
    }
#endif
