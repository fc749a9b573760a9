/* SPDX-License-Identifier: MIT */
/* A workflow and an engine in a folder of its own, through the public header alone. */
#ifndef TEST_LIB_ENGINE_H
#define TEST_LIB_ENGINE_H
#include <ork/ork.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct world {
    char dir[64];
    char url[128];
    ork_engine *engine;
    unsigned changes;
    char last_error[512];
};
void world_open(struct world *w);
void world_close(struct world *w);  /* engine closed, folder removed when the agent is gone */
void world_reopen(struct world *w); /* another engine on the same folder; the first is closed */
ork_workflow *flow(const char *name, const char *options);
/* deps: names separated by blanks, or NULL. params: JSON of the task. Returns its number. */
uint32_t task(ork_workflow *w, const char *name, const char *params, const char *deps);
uint32_t task_with(ork_workflow *w, struct ork_task_spec spec, const char *deps);
void seal(ork_workflow *w);
struct ork_started start(struct world *w, ork_workflow *f);
int run_to_end(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT]);
char *query(struct world *w,
            const char *sql); /* first column of the first row as text, "" for none; freed by the caller */
void assert_query(struct world *w, const char *sql, const char *expected);
#endif
