/* SPDX-License-Identifier: MIT */
/* A workflow and an engine in a folder of its own, through the public header alone. The folder is the working
 * directory, so tasks find what is in it by name. Nothing sleeps: tests wait for changes, and for tasks by the fifos of
 * lib_gate.h; whoever waits too long dies of SIGALRM. */
#ifndef TEST_LIB_ENGINE_H
#define TEST_LIB_ENGINE_H
#include <ork/ork.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct change { /* what ork_change told */
    char run[ORK_ID_TEXT], task[64], error[512];
    int to, kind;
    uint32_t attempt;
    bool adopted;
    int64_t took_ms;
};
struct world {
    char dir[64];
    char url[128];
    ork_engine *engine;
    uint32_t jobs;
    int log_level;        /* 0: what is wrong is tested by its effects */
    const char *data_dir; /* NULL: beside the database */
    struct change *change;
    size_t changes, changes_cap, seen; /* waits look at changes from `seen` on */
    char last_error[512];
};
void world_dir(struct world *w);    /* the folder alone; 4 jobs */
void world_engine(struct world *w); /* an engine on the folder's database */
void world_open(struct world *w);   /* both */
void world_leave(struct world *w);  /* engine closed, NULL is fine; what it told is forgotten */
void world_close(struct world *w);  /* and the folder removed when the agent is gone */
int world_setup(void **state);      /* world_open for cmocka */
int world_setup_dir(void **state);  /* world_dir */
int world_teardown(void **state);
void world_reopen(struct world *w); /* another engine on the same folder; the first is closed */
ork_workflow *flow(const char *name, const char *options);
/* deps: names separated by blanks, or NULL. params: JSON of the task. Returns its number. */
uint32_t task(ork_workflow *w, const char *name, const char *params, const char *deps);
uint32_t task_with(ork_workflow *w, struct ork_task_spec spec, const char *deps);
void seal(ork_workflow *w);
struct ork_started start(struct world *w, ork_workflow *f);
struct ork_started start_with(struct world *w, ork_workflow *f, struct ork_start_opts o);
void until(struct world *w, const char *task, int status); /* drives until that was told; task NULL: of a run */
int wait_end(struct world *w, const char *run_id);         /* its final status */
void command(struct world *w, const char *run_id, const char *kind, const char *args, const char *outcome);
int run_to_end(struct world *w, ork_workflow *f, char run_id[ORK_ID_TEXT]);
char *query(struct world *w,
            const char *sql); /* first column of the first row as text, "" for none; freed by the caller */
void assert_query(struct world *w, const char *sql, const char *expected);
void until_query(struct world *w, const char *sql, const char *expected); /* drives until it gives that */
void change_rows(struct world *w, const char *sql);
void last_run(struct world *w, char run_id[ORK_ID_TEXT]); /* the newest one, whoever made it */
#endif
